// A file dropped anywhere on the page.

/**
 * Take dropped files.
 * @param {HTMLElement} sign Shown while a file is held over the page.
 * @param {(file: File) => void} take Called with the first of those dropped.
 */
export function onDrop(sign, take) {
  let depth = 0; // enter and leave also come from the elements inside
  const show = (change) => {
    depth = Math.max(0, depth + change);
    sign.hidden = depth === 0;
  };
  const isFile = (event) => event.dataTransfer?.types.includes("Files");
  window.addEventListener("dragenter", (event) => isFile(event) && show(+1));
  window.addEventListener("dragleave", (event) => isFile(event) && show(-1));
  window.addEventListener("dragover", (event) => isFile(event) && event.preventDefault());
  window.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    show(-depth);
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}
