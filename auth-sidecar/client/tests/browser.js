// As much of a browser as the script needs: a document that counts dialogs, windows, XMLHttpRequest.

export const ORIGIN = "https://shop.example.com";

class Element extends EventTarget {
  constructor(name) {
    super();
    this.localName = name;
    this.style = {};
    this.children = [];
    this.attributes = {};
  }
  append(...children) {
    for (const child of children) if (child instanceof Element) child.parent = this;
    this.children.push(...children);
  }
  replaceChildren(...children) {
    this.children = [];
    this.append(...children);
  }
  setAttribute(name, value) {
    this.attributes[name] = value;
  }
  attachShadow() {
    this.shadowRoot = new Element("#shadow");
    return this.shadowRoot;
  }
  remove() {
    this.parent.children = this.parent.children.filter(child => child !== this);
  }
  find(id) {
    for (const child of this.children) {
      if (!(child instanceof Element)) continue;
      const found = child.id === id ? child : (child.find(id) ?? child.shadowRoot?.find(id));
      if (found) return found;
    }
    return undefined;
  }
  focus() {}
  showModal() {
    this.open = true;
  }
}

/** Puts a page of [`ORIGIN`] in place; `windows` are the addresses that were opened. */
export const openPage = () => {
  const body = new Element("body");
  const page = new EventTarget();
  const windows = [];
  const self = {
    self: undefined,
    parent: undefined,
    open: url => {
      const opened = {
        closed: false,
        url: String(url),
        close: () => Object.assign(opened, { closed: true }),
      };
      windows.push(opened);
      return opened;
    },
  };
  Object.assign(self, { self, parent: self });
  Object.assign(globalThis, {
    window: self,
    location: new URL(`${ORIGIN}/app`),
    HTMLDialogElement: Element,
    document: {
      body,
      documentElement: { lang: "en" },
      hasFocus: () => true,
      createElement: name => new Element(name),
    },
    addEventListener: page.addEventListener.bind(page),
    removeEventListener: page.removeEventListener.bind(page),
  });
  return {
    windows,
    self,
    dialogs: () => body.children.length,
    find: id => body.find(id),
    say: (source, word, origin = ORIGIN) =>
      page.dispatchEvent(
        Object.assign(new Event("message"), { source, origin, data: { countersign: word } }),
      ),
  };
};

/** The answer of a filter that asks for proof. */
export const challenge = (request, path = "/.countersign/challenge?ticket=t") => {
  const origin = new URL(request.url).origin;
  const headers = { "countersign-challenge": origin + path, "content-type": "application/problem+json" };
  return answerOf(request, new Response('{"status":403}', { status: 403, headers }));
};

/** A response that knows where it came from, as those of the network do. */
export const answerOf = (request, response) => {
  Object.defineProperty(response, "url", { value: request.url });
  return response;
};

/** Lets everything that is ready happen. */
export const settle = () => new Promise(resolve => setImmediate(resolve));
