// The course's page in JupyterLab. Written by hand: JupyterLab asks a prebuilt extension for no
// more than `init` and `get`, so that nothing has to be built or fetched. Everything here is an
// addition; without it, lessons and explorers work as they are.
(() => {
  const here = document.currentScript.src;

  // ipywidgets gives the handles of its sliders no name: a screen reader says "slider, 12".
  const BORN = 'm2k-handle-is-there';
  const TITLE = 'm2k-title-is-there';
  const GOING = ['wheel', 'mousedown', 'keydown', 'touchstart'];

  function nameHandle(handle) {
    const row = handle.closest('.m2k-control');
    const label = row?.querySelector('.widget-label');
    if (!label) {
      return;
    }
    // The slider writes the bare number, 0.30000000000000004 among them; ours has a unit.
    let number = '';
    let ours = null;
    const say = () => {
      const now = handle.getAttribute('aria-valuetext') ?? '';
      if (now !== ours) {
        number = String(Number(Number(now).toPrecision(12))).replace('-', '−');
      }
      const unit = row.querySelector('.m2k-unit')?.textContent.trim() ?? '';
      ours = `${number} ${unit}`.trim();
      if (now !== ours) {
        handle.setAttribute('aria-valuetext', ours);
      }
    };
    handle.setAttribute('aria-label', label.textContent.trim());
    say();
    new MutationObserver(say).observe(handle, { attributeFilter: ['aria-valuetext'] });
    const unit = row.querySelector('.m2k-unit');
    if (unit) {
      const changes = { childList: true, characterData: true, subtree: true };
      new MutationObserver(say).observe(unit, changes);
    }
  }

  // An arrow key on a handle is the slider's. The browser edition's JupyterLab takes it for one of
  // its own, which folds headings; Ctrl+S and the other shortcuts stay JupyterLab's. It looks for
  // the attribute from the document, so the window is where it can still be set in time.
  const MOVES = /^(Arrow(Left|Right|Up|Down)|Home|End|Page(Up|Down))$/;
  window.addEventListener(
    'keydown',
    event => {
      const handle = event.target.closest?.('.m2k-control .noUi-handle');
      const plain = !(event.ctrlKey || event.metaKey || event.altKey);
      handle?.toggleAttribute('data-lm-suppress-shortcuts', plain && MOVES.test(event.key));
    },
    true
  );

  // A question, with its options or table, is a card; so is what is asked before a figure.
  const CARDS = [
    [/^Q\d+\.|^Example\.$/, 'm2k-question'],
    [/^Predict before you run\.$/, 'm2k-predict']
  ];

  function makeCard(title) {
    const card = CARDS.find(([words]) => words.test(title.textContent.trim()))?.[1];
    if (card && title.parentElement.firstChild === title) {
      title.parentElement.classList.add(card);
      const next = title.parentElement.nextElementSibling;
      if (next?.matches('ul, ol')) {
        next.classList.add(card);
      }
    }
  }

  // An animation that moves nothing tells of each new handle or title, at no cost for all that
  // else changes on the page.
  document.addEventListener('animationstart', event => {
    if (event.animationName === BORN) {
      nameHandle(event.target);
    } else if (event.animationName === TITLE) {
      makeCard(event.target);
    }
  });

  // The reader's contents at the left instead of the list of files, unless a reader who was
  // here before has arranged the page.
  async function openContents(app) {
    const layout = await app.restored;
    await app.shell.restored;
    if (layout?.fresh ?? true) {
      app.shell.activateById('table-of-contents');
    }
  }

  // A link to a place in a notebook that is not open yet: JupyterLab opens the notebook and
  // forgets the place. The place is held while what stands above it still grows, unless the
  // reader goes elsewhere.
  function goToPlace(name) {
    let asked = 120;
    let still = 0;
    const stop = () => {
      clearInterval(timer);
      GOING.forEach(kind => document.removeEventListener(kind, stop, true));
    };
    const timer = setInterval(() => {
      const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
      const heading = [...(panel?.querySelectorAll('h1, h2, h3') ?? [])].find(
        one => one.id === name || one.dataset.jupyterId === name
      );
      if (heading) {
        const before = heading.getBoundingClientRect().top;
        heading.scrollIntoView();
        still = Math.abs(heading.getBoundingClientRect().top - before) < 2 ? still + 1 : 0;
      }
      if (still === 15 || --asked === 0) {
        stop();
      }
    }, 100);
    GOING.forEach(kind => document.addEventListener(kind, stop, true));
  }

  function watchLinks() {
    document.addEventListener('click', event => {
      const link = event.target.closest?.('.jp-RenderedMarkdown a[href]');
      const place = link?.getAttribute('href').match(/\.ipynb[^#]*#(.+)$/);
      if (place) {
        setTimeout(() => goToPlace(decodeURIComponent(place[1])), 300);
      }
    }, true);
  }

  const plugin = {
    id: 'm2k-course:page',
    description: 'Style, names of slider handles, contents at the left.',
    autoStart: true,
    activate: app => {
      const style = document.createElement('link');
      style.rel = 'stylesheet';
      style.href = new URL('course.css', here).href;
      document.head.append(style);
      watchLinks();
      openContents(app);
    }
  };

  window._JUPYTERLAB = window._JUPYTERLAB ?? {};
  window._JUPYTERLAB['m2k-course'] = {
    init: () => {},
    get: async () => () => ({ __esModule: true, default: plugin })
  };
})();
