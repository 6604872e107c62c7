// Answers, explorers and progress of a page. It knows no formula of the course: which number gets
// which reply, and every picture, were worked out in Python when the site was built.
(() => {
  'use strict';

  const KEPT = 'm2k-answers';
  const MARKS = { correct: '✓', wrong: '✗', open: '○', noted: '✎' };

  // ---- what a reader has done, in this browser and nowhere else

  function kept() {
    try {
      return JSON.parse(localStorage.getItem(KEPT) ?? '{}');
    } catch {
      return {}; // storage is closed to pages from disk in some browsers, and to private windows
    }
  }

  function keep(page, name, what) {
    const all = kept();
    all[page] = { ...all[page], [name]: { ...all[page]?.[name], ...what } };
    try {
      localStorage.setItem(KEPT, JSON.stringify(all));
    } catch {
      return; // the answer is checked all the same
    }
    showProgress();
    showPredictions();
  }

  // ---- numbers, as people type them

  // The number in a text and a remark on how it was read, or the sentence that mends it.
  function readNumber(text) {
    const bare = text.trim().replace(/[−–]/g, '-').replace(/[\s_'’]/g, '');
    const parts = /^([+-]?)[$€£]?([+-]?)([\d.,]*\d[\d.,]*)(e[+-]?\d+)?([a-z%$€£]*)\.?$/i.exec(bare);
    if (!parts || (parts[1] && parts[2])) {
      return { problem: `“${text.trim()}” is no number. Type digits, such as −12.5.` };
    }
    let digits = parts[3];
    const thousands = /^[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(digits);
    if (thousands) {
      digits = digits.replaceAll(',', '');
    } else if (/^\d*,\d+$/.test(digits)) {
      digits = digits.replace(',', '.');
    }
    if (!/^(\d+\.?\d*|\.\d+)$/.test(digits)) {
      return { problem: `“${text.trim()}” has marks in places where no number has them.` };
    }
    const number = Number(parts[1] + parts[2] + digits + (parts[4] ?? ''));
    if (!Number.isFinite(number)) {
      return { problem: 'The answer is too large to be meant.' };
    }
    const remark = parts[3].includes(',') ? `(Read as ${shown(number)}.)` : '';
    return { number, remark };
  }

  function shown(number) {
    return String(number).replace('-', '−');
  }

  // ---- replies

  function rounded(number, decimals) {
    return Number(number.toFixed(decimals));
  }

  // The right answer with too few decimals, rounded or cut off.
  function shortened(found, right, question) {
    const { decimals, more } = question;
    if (question.whole || found !== rounded(found, decimals) || found * right < 0) {
      return '';
    }
    const unit = [1, 0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001];
    let fewest = 0;
    while (found !== rounded(found, fewest)) {
      fewest += 1;
    }
    const missing = more[decimals - fewest];
    const noise = 1e-9 * Math.max(1, Math.abs(right));
    for (let places = fewest; places < decimals; places += 1) {
      if (Math.abs(found - right) <= unit[places] / 2 + noise) {
        return `Right, but rounded: give ${missing ?? ''}.`;
      }
    }
    const cut = Math.abs(right) - Math.abs(found);
    if (cut >= 0 && cut < unit[fewest] && found !== 0) {
      const asked = missing ? `give ${missing}` : 'round to the nearest';
      return `Right, but cut off instead of rounded: ${asked}.`;
    }
    return '';
  }

  function fits(rule, found, question) {
    if (rule.kind === 'shortened') {
      return shortened(found, rule.right, question);
    }
    if (rule.kind === 'fraction') {
      return Number.isInteger(found) ? '' : rule.says;
    }
    const near = Math.abs(found * (rule.times ?? 1) - rule.value) <= rule.within;
    return near ? rule.says : '';
  }

  function judgedNumber(question, text) {
    if (!text.trim()) {
      return { state: 'open', says: 'Not attempted yet. Type your answer into the box.' };
    }
    const { number, remark, problem } = readNumber(text);
    if (problem) {
      return { state: 'wrong', says: problem };
    }
    let reply = { state: 'wrong', says: question.else };
    for (const rule of question.rules) {
      const says = fits(rule, number, question);
      if (says) {
        reply = { state: rule.correct ? 'correct' : 'wrong', says };
        break;
      }
    }
    return { ...reply, says: [reply.says, remark].filter(Boolean).join(' ') };
  }

  function judgedLetter(question, letter) {
    if (!letter) {
      return { state: 'open', says: 'Not attempted yet. Choose one of the options.' };
    }
    const state = letter === question.right ? 'correct' : 'wrong';
    return { state, says: question.says[letter] };
  }

  function entered(question, low, high) {
    if (!low.trim() || !high.trim()) {
      return { state: 'open', says: 'No range yet. Type both ends: you should be 80 % sure of it.' };
    }
    const ends = [readNumber(low), readNumber(high)];
    const problem = ends.find(end => end.problem)?.problem;
    if (problem) {
      return { state: 'wrong', says: `Not entered. ${problem}` };
    }
    const [from, to] = ends.map(end => end.number);
    if (from > to) {
      return { state: 'wrong', says: 'Not entered. The low end lies above the high end.' };
    }
    if (from === to) {
      return { state: 'wrong', says: 'Not entered. That is a single number. How far off may it be?' };
    }
    const first = kept()[question.page]?.[question.name];
    const [a, b] = first?.range ?? [from, to];
    keep(question.page, question.name, { range: [a, b] });
    const range = `${shown(a)} to ${shown(b)}`;
    return first?.range
      ? { state: 'noted', says: `Your first range, ${range}, stands and counts.` }
      : { state: 'noted', says: `Noted: ${range}, with 80 %. Now read on.` };
  }

  function say(form, { state, says }) {
    const place = form.querySelector('.m2k-reply');
    place.dataset.state = state;
    place.textContent = `${MARKS[state]} ${says}`;
  }

  function answer(form, question) {
    const given = new FormData(form);
    const name = `${question.page}-${question.name}`;
    if (question.kind === 'guess') {
      return entered(question, given.get('low'), given.get('high'));
    }
    const text = given.get(question.kind === 'choose' ? name : 'answer') ?? '';
    const judged = question.kind === 'choose' ? judgedLetter : judgedNumber;
    const reply = judged(question, text);
    if (reply.state === 'correct' || reply.state === 'wrong') {
      const before = kept()[question.page]?.[question.name]?.solved ?? false;
      keep(question.page, question.name, { text, solved: before || reply.state === 'correct' });
    }
    return reply;
  }

  function startForm(form) {
    const question = JSON.parse(form.dataset.question);
    const before = kept()[question.page]?.[question.name];
    form.addEventListener('submit', event => {
      event.preventDefault();
      say(form, answer(form, question));
    });
    if (before?.range) {
      [form.elements.low.value, form.elements.high.value] = before.range.map(shown);
      say(form, entered(question, ...before.range.map(String)));
    } else if (before?.text && question.kind === 'choose') {
      const option = [...form.elements].find(one => one.value === before.text);
      if (option) {
        option.checked = true;
        say(form, judgedLetter(question, before.text));
      }
    } else if (before?.text) {
      form.elements.answer.value = before.text;
      say(form, judgedNumber(question, before.text));
    }
  }

  // ---- predictions, beside the value that came out, and how many held it

  function held(range, value) {
    return range[0] <= value && value <= range[1];
  }

  function showPredictions() {
    for (const place of document.querySelectorAll('.m2k-compared')) {
      const { page, name, value } = JSON.parse(place.dataset.guess);
      const range = kept()[page]?.[name]?.range;
      if (range) {
        const verdict = held(range, value) ? 'held it' : 'missed it';
        const text = `Your range, ${range.map(shown).join(' to ')}, ${verdict}.`;
        place.querySelector('span').textContent = text;
        if (kept()[page][name].value !== value) {
          keep(page, name, { value });
        }
      }
    }
  }

  function showProgress() {
    const all = kept();
    for (const place of document.querySelectorAll('.m2k-progress[data-pages]')) {
      const lines = JSON.parse(place.dataset.pages).map(([page, title, names]) => {
        const solved = names.filter(name => all[page]?.[name]?.solved).length;
        const next = names.find(name => !all[page]?.[name]?.solved);
        const rest = next ? `, next ${next.toUpperCase()}` : '';
        return `${title}${solved} of ${names.length} solved on this site${rest}`;
      });
      place.replaceChildren(...lines.flatMap(line => [line, document.createElement('br')]));
    }
    for (const place of document.querySelectorAll('.m2k-progress[data-guesses]')) {
      const entries = Object.values(all).flatMap(page => Object.values(page));
      const scored = entries.filter(one => one.range && one.value !== undefined);
      const count = scored.filter(one => held(one.range, one.value)).length;
      place.textContent = scored.length
        ? `Your ranges so far: ${count} of ${scored.length} held the value. Of a hundred ranges of `
          + 'which you are 80 % sure, about 80 should.'
        : 'No prediction has been entered on this site so far.';
    }
  }

  // ---- explorers: one picture for each combination of the controls

  function startExplorer(box) {
    const alts = JSON.parse(box.dataset.alts);
    const form = box.querySelector('.m2k-controls');
    const controls = [...form.querySelectorAll('input, select')];
    const picture = box.querySelector('img');
    const folder = picture.getAttribute('src').replace(/\d+\.png$/, '');
    const sizes = controls.map(one => one.options?.length ?? Number(one.max) + 1);
    const places = () => controls.map(one => one.selectedIndex ?? Number(one.value));
    const state = at => at.reduce((sum, place, n) => sum * sizes[n] + place, 0);
    const address = at => `${folder}${state(at)}.png`;

    function move() {
      const at = places();
      picture.src = address(at);
      picture.alt = alts[state(at)];
      for (const half of box.querySelectorAll('.m2k-half')) {
        half.style.backgroundImage = `url('${address(at)}')`;
      }
      for (const one of controls) {
        if (one.dataset.values) {
          const text = JSON.parse(one.dataset.values)[one.value];
          one.setAttribute('aria-valuetext', text);
          one.nextElementSibling.textContent = text;
        }
      }
      box.querySelector('[aria-live]').textContent = picture.alt;
      fetchNeighbours();
    }

    // What one step away is fetched before it is asked for.
    function fetchNeighbours() {
      const at = places();
      at.forEach((place, n) => {
        for (const next of [place - 1, place + 1]) {
          if (next >= 0 && next < sizes[n]) {
            new Image().src = address(at.with ? at.with(n, next) : at.map((p, m) => m === n ? next : p));
          }
        }
      });
    }

    form.hidden = false;
    form.addEventListener('submit', event => event.preventDefault());
    form.addEventListener('input', move);
    form.addEventListener('focusin', fetchNeighbours, { once: true });
    form.reset(); // a browser that comes back to a page keeps sliders where they were
  }

  // ---- what is wider than the screen can be scrolled without a mouse

  function reachable() {
    for (const box of document.querySelectorAll('pre, .m2k-table, .m2k-figure, .m2k-formula, .table-wrapper')) {
      if (box.scrollWidth > box.clientWidth + 1) {
        box.tabIndex = 0;
      } else {
        box.removeAttribute('tabindex');
      }
    }
  }

  document.querySelectorAll('form.m2k-answer').forEach(startForm);
  document.querySelectorAll('.m2k-explorer').forEach(startExplorer);
  showPredictions();
  showProgress();
  reachable();
  addEventListener('resize', reachable);
})();
