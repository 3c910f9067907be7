const answer = document.getElementById("answer");

document.getElementById("order").addEventListener("click", async () => {
  answer.textContent = "…";
  try {
    const response = await fetch("/checkout/echo", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ lamp: "Aurora", pieces: 1 }),
    });
    answer.textContent = `${response.status}\n${await response.text()}`;
  } catch (error) {
    answer.textContent = String(error);
  }
});
