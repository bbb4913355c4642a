// The page on which a message is written: its length is counted while it is typed.
// Amazon does not say how it counts; UTF-16 units are the larger number, and what `length` is. Line
// ends are one character in a textarea already, and spaces at the ends are cut, as the server does.
//   <span data-count="id of the textarea" data-most="2000">

function count(box) {
  const place = document.querySelector(`[data-count="${box.id}"]`);
  if (!place) return;
  const length = box.value.trim().length;
  const most = Number(place.dataset.most);
  place.textContent = `${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters`;
  place.classList.toggle("bad", length > most);
}

function countAll() {
  for (const place of document.querySelectorAll("[data-count]")) {
    const box = document.getElementById(place.dataset.count);
    if (box) count(box);
  }
}

document.addEventListener("input", (event) => {
  if (event.target.matches("textarea")) count(event.target);
});
document.addEventListener("htmx:afterSettle", countAll);
countAll();
