// Sends the newsletter form as JSON. Every text that it shows stands in the page, in its language.
"use strict";

const form = document.querySelector("#newsletter");
const error = form.querySelector("[role=alert]");
const status = form.querySelector("[role=status]");
const submit = form.querySelector("[type=submit]");
const boxes = [...form.querySelectorAll("[name=purpose]")];

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  error.textContent = "";
  status.textContent = "";
  const purposes = boxes.filter((box) => box.checked).map((box) => box.value);
  if (purposes.length === 0) {
    error.textContent = form.dataset.none;
    boxes[0].focus();
    return;
  }
  submit.disabled = true;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({
        subject: `email:${form.elements.email.value.trim()}`,
        purposes,
        language: document.documentElement.lang,
      }),
    });
    if (answer.status === 202) {
      form.reset();
      status.textContent = form.dataset.sent;
    } else {
      const problem = await answer.json().catch(() => ({}));
      error.textContent = problem.detail || form.dataset.failed;
    }
  } catch {
    error.textContent = form.dataset.failed;
  } finally {
    submit.disabled = false;
  }
});

for (const box of boxes) {
  box.addEventListener("change", () => {
    error.textContent = "";
  });
}
