// A text of one's own, judged by the trained model of the server this page came from.

function setUpTyped() {
  if (!page.served) return;
  byId("typed").hidden = false;
  byId("typed-pair").hidden = !page.items.some((item) => item.pair !== undefined);
  byId("typed").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(byId("typed-text").value.trim(), byId("typed-pair").hidden ? undefined : byId("typed-pair").value.trim());
  });
}

async function ask(text, pair) {
  show("typed-said", "Asking …");
  try {
    const response = await fetch("score", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ text, pair }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.error);
    typedAnswers = unpacked(answer.answers);
    typedText = { text, pair };
    forgetTyped();
    update({ item: TYPED });
    show("typed-said", "Shown beside.");
  } catch (error) {
    show("typed-said", error.message);
  }
}
