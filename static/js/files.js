// Files for a message: each goes up by itself as soon as it is picked or dropped, one after another.
//   <fieldset data-files="address">   takes files; has one <input type="file"> and one .file-list
//   <button data-remove-file>         removes its line
// The server answers with the line of the file, or with one that says why it was not taken.

const CUT_OFF = "was not taken. Choose it once more, or another.";
let last = Promise.resolve();

function line(file) {
  const item = document.createElement("li");
  item.className = "file";
  item.dataset.busy = "";
  item.setAttribute("hx-encoding", "multipart/form-data");
  item.setAttribute("hx-params", "upload"); // not the fields of the form around it
  const name = document.createElement("span");
  name.textContent = file.name;
  const progress = document.createElement("progress");
  progress.max = 1;
  progress.value = 0;
  progress.setAttribute("aria-label", `Uploading ${file.name}`);
  item.append(name, progress);
  item.addEventListener("htmx:xhr:progress", (event) => {
    const { lengthComputable, loaded, total } = event.detail;
    if (lengthComputable && total) progress.value = loaded / total;
  });
  return item;
}

async function send(box, file, item) {
  if (!item.isConnected) return; // removed while it waited
  const request = { source: item, target: item, swap: "outerHTML", values: { upload: file } };
  try {
    await htmx.ajax("POST", box.dataset.files, request);
  } catch {
    // said below, in its line
  }
  if (!item.isConnected) return;
  delete item.dataset.busy;
  const words = document.createElement("span");
  words.className = "error";
  words.setAttribute("role", "alert");
  words.textContent = `“${file.name}” ${CUT_OFF}`;
  const away = document.createElement("button");
  away.type = "button";
  away.className = "button quiet small";
  away.dataset.removeFile = "";
  away.setAttribute("aria-label", "Dismiss");
  away.textContent = "×";
  item.replaceChildren(words, away);
}

function take(box, files) {
  for (const file of files) {
    const item = line(file);
    box.querySelector(".file-list").append(item);
    last = last.then(() => send(box, file, item));
  }
}

function takePicked(input) {
  const box = input.closest("[data-files]");
  if (!box || input.type !== "file") return;
  take(box, [...input.files]);
  input.value = ""; // else the form would bring them a second time
}

document.addEventListener("change", (event) => takePicked(event.target));
// who was quicker than this file
document.querySelectorAll("[data-files] input[type=file]").forEach(takePicked);

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const box = event.target.closest?.("[data-files]");
    if (!box || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    box.classList.toggle("is-over", kind === "dragover");
    if (kind === "drop") take(box, [...event.dataTransfer.files]);
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-remove-file]");
  if (!button) return;
  const box = button.closest("[data-files]");
  button.closest(".file").remove();
  box?.querySelector("input[type=file]").focus();
});

// Nothing is sent without a file that is still on its way.
document.addEventListener("submit", (event) => {
  const busy = event.target.querySelector("[data-files] [data-busy]");
  if (!busy) return;
  event.preventDefault();
  event.stopPropagation();
  busy.querySelector("progress").scrollIntoView({ block: "nearest" });
  const live = document.getElementById("live");
  if (live) live.textContent = "A file is still on its way. Wait for it, then try again.";
}, true);
