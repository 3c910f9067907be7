// Texts of the control plane, with what stands in backticks as code.

export function Ticks({ text }: { text: string }) {
  return (
    <>
      {text.split("`").map((part, index) =>
        // Between the first and the second backtick, the third and the fourth, …
        index % 2 === 1 ? <code key={`${index}${part}`}>{part}</code> : part,
      )}
    </>
  );
}
