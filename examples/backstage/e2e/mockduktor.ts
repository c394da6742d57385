import type { APIRequestContext } from '@playwright/test';

type Resource = { apiVersion: string; kind: string; metadata: { name: string }; spec: object };

/** The control API of the emulator, as far as the tests need it. */
export class Mockduktor {
  constructor(
    private readonly request: APIRequestContext,
    readonly url: string,
  ) {}

  /** Everything is as the seed says again, the clock too. */
  async reset() {
    await this.call('POST', '/_mock/reset');
  }

  /** Moves the world's clock on by a Go duration. */
  async advance(by: string) {
    await this.call('POST', '/_mock/clock/advance', { by });
  }

  /** Creates or replaces a resource of any kind. */
  async put(resource: Resource) {
    await this.call('PUT', `/_mock/resources/${resource.kind}`, resource);
  }

  async get(kind: string, name: string) {
    return this.call('GET', `/_mock/resources/${kind}/${name}`);
  }

  /** An access token as a person's sign-in to Backstage ends with. */
  async token(login: string): Promise<string> {
    return (await this.call('POST', '/_mock/tokens', { as: login, client_id: 'backstage' })).access_token;
  }

  /** Gives a person other groups at the identity provider. */
  async setGroups(login: string, groups: string[]) {
    const person = await this.get('Person', login);
    await this.put({ ...person, spec: { ...person.spec, password: `${login}-password`, groups } });
  }

  /** Makes requests go wrong until `mend` of the same name, or the next reset. */
  async spoil(name: string, match: object, effect: object) {
    await this.put({ apiVersion: 'mockduktor/v1', kind: 'Fault', metadata: { name }, spec: { match, effect } });
  }

  async mend(name: string) {
    await this.call('DELETE', `/_mock/resources/Fault/${name}`);
  }

  private async call(method: string, path: string, data?: unknown) {
    const response = await this.request.fetch(this.url + path, {
      method,
      data: data === undefined ? undefined : JSON.stringify(data),
      headers: { 'Content-Type': 'application/json' },
    });
    const text = await response.text();
    if (!response.ok()) {
      throw new Error(`${method} ${path}: ${response.status()} ${text}`);
    }
    return text && JSON.parse(text);
  }
}
