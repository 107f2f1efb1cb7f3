// The pages of the gallery: copying lines, and filtering the scenes. Without it every scene is shown.
"use strict";

// Copying. Old browsers and pages opened from disk may refuse the clipboard; then the text is copied as a selection.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch (error) {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.cssText = "position:fixed;top:0;opacity:0";
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (focused) focused.focus();
    return copied;
  }
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.querySelector("span") || button;
  const resting = label.textContent;
  let timer = 0;
  button.addEventListener("click", async () => {
    const copied = await copy(button.dataset.copy);
    label.textContent = copied ? "Copied" : "Select it and press Ctrl+C";
    button.classList.toggle("done", copied);
    clearTimeout(timer);
    timer = setTimeout(() => { label.textContent = resting; button.classList.remove("done"); }, 1800);
  });
}

// Filtering. The state stands in the address, so that it can be shared and survives going back.
(() => {
  const form = document.querySelector("form.filters");
  if (!form) return;
  const scenes = [...document.querySelectorAll("li.scene")];
  const count = document.querySelector("[data-count]");
  const nothing = document.querySelector("[data-nothing]");
  const names = ["q", "family", "split", "category"];

  const value = (name) => (form.elements[name] ? form.elements[name].value.trim() : "");

  // Radio buttons one by one: some browsers do not choose the one without a value when the group is set to nothing.
  function set(name, wanted) {
    const field = form.elements[name];
    if (!field) return;
    if (field instanceof RadioNodeList) {
      const known = [...field].some((radio) => radio.value === wanted);
      for (const radio of field) radio.checked = radio.value === (known ? wanted : "");
    } else {
      field.value = wanted;
      if (field.value !== wanted) field.value = "";
    }
  }

  function clear(list) {
    for (const name of list) set(name, "");
    apply();
    remember();
  }

  function apply() {
    const words = value("q").toLowerCase().split(/\s+/).filter(Boolean);
    const [family, split, category] = ["family", "split", "category"].map(value);
    let shown = 0;
    for (const scene of scenes) {
      const data = scene.dataset;
      const fits = (!family || data.family === family) && (!split || data.split === split)
        && (!category || data.categories.split(" ").includes(category))
        && words.every((word) => data.text.includes(word));
      scene.hidden = !fits;
      shown += fits;
    }
    count.textContent = shown === scenes.length ? `${shown} scenes` : `${shown} of ${scenes.length} scenes`;
    nothing.hidden = shown > 0;
  }

  function remember() {
    const state = new URLSearchParams();
    for (const name of names) if (value(name)) state.set(name, value(name));
    try {
      history.replaceState(null, "", String(state) ? `#${state}` : location.pathname);
    } catch (error) {
      // Some browsers do not let a page from disk change its address; filtering works all the same.
    }
  }

  function recall() {
    const state = new URLSearchParams(location.hash.slice(1));
    for (const name of names) set(name, state.get(name) || "");
    apply();
  }

  form.addEventListener("input", () => { apply(); remember(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  document.querySelectorAll("[data-clear]").forEach((button) => button.addEventListener("click", () => {
    clear(names);
    form.elements.q.focus();
  }));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) {
      event.preventDefault();
      form.elements.q.focus();
    }
    if (event.key === "Escape" && event.target === form.elements.q) clear(["q"]);
  });
  addEventListener("hashchange", recall);
  recall();
})();
