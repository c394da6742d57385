// A person with a browser that runs no scripts: it keeps cookies, follows
// redirects on the provider's host, reads forms and presses their buttons.
// Redirects to other hosts are not followed but given back.

const entities = { amp: '&', lt: '<', gt: '>', quot: '"' };

function text(html) {
  return html
    .replace(/&#(\d+);/g, (_, n) => String.fromCodePoint(n))
    .replace(/&#x([0-9a-f]+);/gi, (_, n) => String.fromCodePoint(parseInt(n, 16)))
    .replace(/&(amp|lt|gt|quot);/g, (_, name) => entities[name]);
}

function attributes(tag) {
  return Object.fromEntries([...tag.matchAll(/([\w-]+)(?:="([^"]*)")?/g)].slice(1).map(([, name, value]) => [name, text(value ?? '')]));
}

function formsOf(html) {
  return [...html.matchAll(/<form\b[^>]*>[^]*?<\/form>/g)].map(([form]) => ({
    ...attributes(form.match(/<form\b[^>]*>/)[0]),
    fields: [...form.matchAll(/<input\b[^>]*>/g)].map(([tag]) => attributes(tag)),
    buttons: [...form.matchAll(/<button\b[^>]*>/g)].map(([tag]) => attributes(tag)),
  }));
}

export class Visitor {
  #cookies = new Map();

  // fetches is how it reaches hosts; fetch where none is given.
  constructor(fetches = fetch) {
    this.fetches = fetches;
  }

  // open goes to an address; init is that of fetch.
  async open(address, init = {}) {
    let url = new URL(address);
    const { host } = url;
    for (let hops = 0; hops < 10; hops++) {
      const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await this.fetches(url, { redirect: 'manual', ...init, headers: { ...init.headers, ...(cookie && { cookie }) } });
      for (const set of response.headers.getSetCookie()) {
        const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
        if (!value || /max-age=0|expires=thu, 01 jan 1970/i.test(set)) this.#cookies.delete(name);
        else this.#cookies.set(name, value);
      }
      const location = response.headers.get('location');
      if (!location) {
        const html = await response.text();
        return { status: response.status, headers: response.headers, url, html, forms: formsOf(html) };
      }
      await response.body?.cancel();
      url = new URL(location, url);
      init = {};
      if (url.host !== host) return { status: response.status, headers: response.headers, location: url };
    }
    throw new Error(`redirected too often, last to ${url}`);
  }

  // submit sends a form; more are fields as the person filled them in.
  async submit(page, form, more = {}) {
    const body = new URLSearchParams();
    for (const { name, value, type } of form.fields) if (name && type !== 'submit') body.set(name, value ?? '');
    for (const [name, value] of Object.entries(more)) body.set(name, value);
    const target = new URL(form.action ?? page.url, page.url);
    if (form.method?.toLowerCase() !== 'post') return this.open(`${target}?${body}`);
    return this.open(target, { method: 'POST', body });
  }

  // press sends the form that has a button of this test id.
  async press(page, testid, more = {}) {
    for (const form of page.forms ?? []) {
      const button = form.buttons.find((one) => one['data-testid'] === testid);
      if (button) return this.submit(page, form, { ...more, ...(button.name && { [button.name]: button.value }) });
    }
    throw new Error(`no button ${testid} at ${page.url ?? page.location} (${page.status}):\n${page.html}`);
  }

  // signIn goes to an authorization URL and answers as the person would, by
  // password; the redirect of the answer is given, or the form of a form post.
  async signIn(address, login) {
    const page = await this.open(address);
    const answer = await this.press(page, 'sign-in', { login, password: `${login}-password` });
    if (answer.location) return answer.location;
    const [form] = answer.forms;
    if (!form) throw new Error(`the sign-in did not answer the client (${answer.status}):\n${answer.html}`);
    const fields = form.fields.filter(({ name }) => name).map(({ name, value }) => [name, value]);
    return new Request(form.action, { method: 'POST', body: new URLSearchParams(fields) });
  }
}
