"use strict";

// Themes: ?theme=dark or =light wins, then what was chosen before, then the system.
(function () {
  const root = document.documentElement;
  const KEY = "asg-theme";

  function remembered() {
    try {
      return window.localStorage.getItem(KEY);
    } catch (error) {
      return null; // storage can be off for files
    }
  }

  function remember(theme) {
    try {
      window.localStorage.setItem(KEY, theme);
    } catch (error) {
      // then the choice lasts as long as the page
    }
  }

  function isDark() {
    if (root.dataset.theme) {
      return root.dataset.theme === "dark";
    }
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  const asked = new URLSearchParams(window.location.search).get("theme");
  const theme = [asked, remembered()].find((one) => one === "dark" || one === "light");
  if (theme) {
    root.dataset.theme = theme;
  }

  function bindTheme() {
    const button = document.getElementById("theme");
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    button.hidden = false;
    button.textContent = "Dark theme";
    button.addEventListener("click", () => {
      root.dataset.theme = isDark() ? "light" : "dark";
      remember(root.dataset.theme);
      show();
    });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    show();
  }

  // Examples: what belongs to the same unit lights up together.
  function bindExample(example) {
    const parts = Array.from(example.querySelectorAll("[data-units]"));
    const unitsOf = (part) => part.dataset.units.split(" ");
    let pinned = null;

    function light(part) {
      const lit = part ? unitsOf(part) : [];
      example.classList.toggle("has-lit", Boolean(part));
      for (const other of parts) {
        other.classList.toggle("is-lit", unitsOf(other).some((unit) => lit.includes(unit)));
      }
    }

    for (const part of parts) {
      part.addEventListener("pointerenter", () => light(part));
      part.addEventListener("pointerleave", () => light(pinned));
      part.addEventListener("focus", () => light(part));
      part.addEventListener("blur", () => light(pinned));
      part.addEventListener("click", () => {
        pinned = pinned === part ? null : part;
        light(pinned);
      });
      part.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          part.dispatchEvent(new MouseEvent("click"));
        }
      });
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        pinned = null;
        light(null);
      }
    });
    for (const box of example.querySelectorAll(".all-regions")) {
      const regions = document.getElementById(box.getAttribute("aria-controls"));
      const show = () => regions.classList.toggle("is-shown", box.checked);
      box.addEventListener("change", show);
      show();
    }
  }

  // Paper has no way to unfold what is folded.
  function bindPrint() {
    let folded = [];
    window.addEventListener("beforeprint", () => {
      folded = Array.from(document.querySelectorAll("details:not([open])"));
      folded.forEach((part) => { part.open = true; });
    });
    window.addEventListener("afterprint", () => {
      folded.forEach((part) => { part.open = false; });
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    bindTheme();
    document.querySelectorAll(".example").forEach(bindExample);
    bindPrint();
    root.dataset.ready = isDark() ? "dark" : "light";
  });
})();
