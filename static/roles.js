// The form of a role: what the base has is ticked and locked, and a box brings those that it is indented under.
const role = document.querySelector("form[data-role]");
const { inherits, all, update } = role.elements;
const boxes = [...role.querySelectorAll("input[name=scope]")];
const chosen = new Set(boxes.filter((box) => box.checked && !box.disabled));

function draw() {
  const base = new Set(inherits.selectedOptions[0].dataset.scopes.split(" "));
  for (const box of boxes) {
    box.disabled = base.has(box.value);
    box.checked = box.disabled || chosen.has(box);
  }
  const count = (those) => boxes.filter(those).length;
  role.querySelector("[data-inherited]").textContent = count((box) => box.disabled) + " inherited";
  role.querySelector("[data-added]").textContent = count((box) => box.checked && !box.disabled) + " added";
  all.checked = boxes.every((box) => box.checked);
}

role.addEventListener("change", ({ target }) => {
  if (target.name === "scope" && target.checked) {
    for (let li = target.closest("li"); li; li = li.parentElement.closest("li")) chosen.add(li.querySelector("input"));
  } else if (target.name === "scope") {
    for (const below of target.closest("li").querySelectorAll("input")) chosen.delete(below);
  } else if (target === all) {
    for (const box of boxes) all.checked ? chosen.add(box) : chosen.delete(box);
  }
  draw();
});

update.remove();
draw();
