"use strict";

// The theme: the reader's system says which, until the button says otherwise.
{
  const root = document.documentElement;
  const stored = () => {
    try {
      return localStorage.getItem("xbench-theme");
    } catch {
      return null;
    }
  };
  const isDark = () =>
    (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const choose = (theme) => {
    root.dataset.theme = theme;
    try {
      localStorage.setItem("xbench-theme", theme);
    } catch {
      // A browser that keeps nothing shows the theme on this page only.
    }
  };

  if (["light", "dark"].includes(stored())) root.dataset.theme = stored();

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "theme";
    const label = () => (button.textContent = isDark() ? "Light theme" : "Dark theme");
    button.addEventListener("click", () => {
      choose(isDark() ? "light" : "dark");
      label();
    });
    label();
    document.querySelector("header.bar").append(button);
  });

  // One menu is open at a time; Escape and a click elsewhere close it.
  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
      menu.open = false;
    }
  });
}
