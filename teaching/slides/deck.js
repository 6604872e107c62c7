// Each slide is 1280 × 720. What is too high is made smaller before the deck starts, in small
// steps and never below the size that the last row can read; tests/teaching holds that it suffices.
const SMALLEST = 0.7;

function fit(section) {
  const body = section.querySelector(".body");
  const inner = section.querySelector(".fit");
  const tooLarge = () =>
    inner.scrollHeight > body.clientHeight + 1 || inner.scrollWidth > body.clientWidth + 1;
  let scale = 1;
  while (tooLarge() && scale > SMALLEST) {
    scale -= 0.02;
    section.style.setProperty("--scale", scale.toFixed(2));
  }
}

document.body.classList.add("measuring");
document.querySelectorAll(".slides > section").forEach(fit);
document.body.classList.remove("measuring");

Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0,
  center: false,
  controls: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  backgroundTransition: "none",
  pdfSeparateFragments: false,
  pdfMaxPagesPerSlide: 1,
  plugins: [RevealNotes],
}).then(() => document.documentElement.classList.add("ready"));
