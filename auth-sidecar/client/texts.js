// The few words of the dialog itself; the page in it speaks for itself.

const TEXTS = {
  ar: ["خطوة تأكيد واحدة", "المتابعة في نافذة جديدة", "إلغاء"],
  de: ["Eine kurze Bestätigung", "In neuem Fenster fortfahren", "Abbrechen"],
  en: ["One step to confirm", "Continue in a new window", "Cancel"],
  es: ["Un paso para confirmar", "Continuar en una ventana nueva", "Cancelar"],
  fr: ["Une étape de confirmation", "Continuer dans une nouvelle fenêtre", "Annuler"],
  it: ["Un passaggio di conferma", "Continua in una nuova finestra", "Annulla"],
  ja: ["確認をお願いします", "新しいウィンドウで続ける", "キャンセル"],
  nl: ["Eén stap ter bevestiging", "Doorgaan in een nieuw venster", "Annuleren"],
  pl: ["Jeden krok potwierdzenia", "Kontynuuj w nowym oknie", "Anuluj"],
  pt: ["Um passo para confirmar", "Continuar em uma nova janela", "Cancelar"],
  tr: ["Tek adımda onay", "Yeni pencerede devam et", "İptal"],
  zh: ["请完成一步确认", "在新窗口中继续", "取消"],
};

export const textsFor = language => {
  const short = language.slice(0, 2).toLowerCase();
  const lang = TEXTS[short] ? short : "en";
  const [title, open, close] = TEXTS[lang];
  return { lang, dir: lang === "ar" ? "rtl" : "ltr", title, open, close };
};
