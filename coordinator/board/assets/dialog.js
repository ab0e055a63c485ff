// A question before something that can't be taken back.

/** Asks, and says whether the answer was yes. Escape is no. */
export function confirmed(question, yes) {
  const dialog = document.createElement("dialog");
  dialog.className = "question";
  const words = document.createElement("p");
  words.id = "question";
  words.textContent = question;
  dialog.setAttribute("aria-labelledby", words.id);
  const row = document.createElement("p");
  row.className = "actions";
  const button = (text, value, kind) => {
    const made = document.createElement("button");
    made.type = "button";
    made.className = kind;
    made.textContent = text.trim();
    made.addEventListener("click", () => dialog.close(value));
    row.append(made);
    return made;
  };
  const no = button("No, go back", "no", "");
  button(yes, "yes", "danger");
  dialog.append(words, row);
  document.body.append(dialog);
  dialog.showModal();
  no.focus();
  return new Promise((answer) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      answer(dialog.returnValue === "yes");
    });
  });
}
