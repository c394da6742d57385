import { test as base, type BrowserContext, type Page, type PlaywrightTestConfig } from '@playwright/test';
import { resolve } from 'node:path';

/** A resource as a seed has it: of a Console kind, or Person, Client and what else is mockduktor's own. */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: { name: string } & Record<string, unknown>;
  spec?: object;
}

/** A length of time in Go's notation: 90s, 15m, 1h30m. */
export type Duration = string;

export type Method = 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';

/** A rule that makes requests go wrong; /_mock/docs says what each field does. */
export interface FaultRule {
  id?: string;
  /** Which requests; what is left out fits all. */
  match?: {
    surface?: 'console' | 'idp';
    /** Of the Console an operationId such as listTopic; of the identity provider an endpoint such as token. */
    operation?: string;
    method?: Method | 'HEAD';
    /** `*` is any text within a segment, `**` any text. */
    path?: string;
    person?: string;
    client_id?: string;
    grant_type?: string;
  };
  /** How many fitting requests are let through first. */
  skip?: number;
  /** How many go wrong at most. */
  times?: number;
  /** How likely one goes wrong; which ones follows from `seed`. */
  probability?: number;
  seed?: number;
  /** When it holds, by the world's clock. */
  window?: { from?: string; until?: string };
  effect: {
    status?: number;
    title?: string;
    message?: string;
    error?: string;
    /** seconds */
    retry_after?: number;
    latency?: Duration;
    jitter?: Duration;
    drop?: 'before_headers' | 'after_headers';
    /** bytes of the body that still come */
    truncate?: number;
    malformed?: boolean;
    drip?: { bytes: number; every: Duration };
    issuer?: string;
    rotate_keys?: 'replace' | 'add';
    revoke_refresh_token?: boolean;
    groups?: { person?: string; groups: string[] };
  };
}

/** A rule that holds. */
export interface Fault {
  id: string;
  /** How many requests fitted so far, and how many of them went wrong. */
  count(): Promise<{ matched: number; fired: number }>;
  remove(): Promise<void>;
}

/** Which requests are meant; what is left out fits all. */
export interface RequestFilter {
  method?: string;
  path?: string;
  /** login or e-mail */
  person?: string;
  client_id?: string;
  /** such as 403, or 4xx */
  status?: number | string;
  operation?: string;
  surface?: 'console' | 'idp' | 'mock';
  grant_type?: string;
  outcome?: 'allowed' | 'refused' | 'rejected' | 'failed' | 'aborted';
  /** id of the fault that was applied; `*` for any */
  fault?: string;
  /** only requests after the one of this seq */
  since?: number;
}

/** What was asked for and what became of it; the parts that tests look at most. */
export interface JournalEntry {
  seq: number;
  /** by the world's clock */
  time: string;
  surface: 'console' | 'idp' | 'mock';
  operation?: string;
  method: string;
  path: string;
  query?: string;
  status?: number;
  client_id?: string;
  person?: string;
  grant_type?: string;
  principal?: { name: string; email?: string; groups?: string[]; credential: string };
  decision: { outcome: string; reason?: string; permission?: string; grant?: string };
  fault?: { id: string; effect: string };
}

/** What the clock shows. */
export interface ClockState {
  now: string;
  frozen: boolean;
}

/** A request to explain: by whom, and what. */
export type Question = { method: Method; path: string; body?: unknown } & (
  | { person: string }
  | { token: string }
  | { key: string }
  | { email: string; groups?: string[] }
);

/** What would come of a request; the parts that tests look at most. */
export interface Explanation {
  verdict: 'allowed' | 'filtered' | 'partly' | 'refused' | 'failed';
  summary: string;
  answer: { status: number; title?: string; msg?: string; reason?: string };
  decisions: { needs: string; held: boolean; by: string[] }[];
}

/** How a token is to be made, and what is to be wrong with it. */
export interface TokenOptions {
  client_id?: string;
  scope?: string;
  lifetime?: Duration;
  claims?: Record<string, unknown>;
  fault?:
    | 'expired'
    | 'not_yet_valid'
    | 'wrong_issuer'
    | 'wrong_audience'
    | 'wrong_key'
    | 'unknown_kid'
    | 'wrong_algorithm'
    | 'none'
    | 'missing_email'
    | 'groups_as_string'
    | 'many_groups'
    | 'groups_overage';
  count?: number;
}

/** A world of mockduktor's: a Console, an identity provider, a clock, faults and a journal that nobody else sees. */
export class Mockduktor {
  private constructor(
    private readonly server: string,
    private readonly id: string,
    /** Base address, in the place of Console's. */
    readonly url: string,
    /** Issuer of the identity provider. */
    readonly issuer: string,
  ) {}

  /** Opens a sandbox at a running server. The server forgets it after six hours, should nobody close it. */
  static async open(server: string): Promise<Mockduktor> {
    const sandbox = (await call(`${server}/_mock/sandboxes`, 'POST', { expires_in: '6h' })) as { id: string; url: string; issuer: string };
    return new Mockduktor(server, sandbox.id, sandbox.url, sandbox.issuer);
  }

  async close(): Promise<void> {
    await call(`${this.server}/_mock/sandboxes/${this.id}`, 'DELETE');
  }

  /** The world is as the seed says again, the clock is the machine's, the journal is empty. */
  async reset(): Promise<void> {
    await this.control('/reset', 'POST');
    await this.journal.clear();
  }

  /** Creates or replaces resources, all of them or none: YAML of as many documents as you like, or objects. */
  async put(yaml: string): Promise<void>;
  async put(...resources: Resource[]): Promise<void>;
  async put(...seed: string[] | Resource[]): Promise<void> {
    const [first] = seed;
    await (typeof first === 'string' ? call(`${this.url}/_mock/seed`, 'POST', first, 'application/yaml') : this.control('/seed', 'POST', seed));
  }

  /** Reads a resource; `of` names what it belongs to, such as its cluster. */
  async get(kind: string, name: string, of: Record<string, string> = {}): Promise<Resource> {
    return (await this.control(resource(kind, name, of), 'GET')) as Resource;
  }

  async delete(kind: string, name: string, of: Record<string, string> = {}): Promise<void> {
    await this.control(resource(kind, name, of), 'DELETE');
  }

  /** Makes requests go wrong from now on. */
  async fault(rule: FaultRule): Promise<Fault> {
    const { id } = (await this.control('/faults', 'POST', rule)) as { id: string };
    const path = `/faults/${encodeURIComponent(id)}`;
    return {
      id,
      count: async () => (await this.control(path, 'GET')) as { matched: number; fired: number },
      remove: async () => void (await this.control(path, 'DELETE')),
    };
  }

  /** The time of this world. A page that watches the time itself needs page.clock beside it. */
  readonly clock = {
    read: async () => (await this.control('/clock', 'GET')) as ClockState,
    /** Stops it, at a time if one is given (RFC 3339). */
    freeze: async (now?: string) => (await this.control('/clock', 'PUT', { frozen: true, ...(now && { now }) })) as ClockState,
    /** Moves it to a time; it goes on as before. */
    set: async (now: string) => (await this.control('/clock', 'PUT', { now })) as ClockState,
    advance: async (by: Duration) => (await this.control('/clock/advance', 'POST', { by })) as ClockState,
    /** Lets it follow the machine's again. */
    release: async () => (await this.control('/clock', 'DELETE')) as ClockState,
  };

  /** The requests to this world. */
  readonly journal = {
    entries: async (filter: RequestFilter = {}) =>
      ((await this.control(`/journal${query(filter)}`, 'GET')) as { entries: JournalEntry[] }).entries,
    /** The first request that fits, as soon as it has come; fails with those that came close. */
    waitFor: async (filter: RequestFilter, timeout: Duration = '15s') =>
      (await this.control(`/journal/wait${query({ ...filter, timeout })}`, 'GET')) as JournalEntry,
    clear: async () => void (await this.control('/journal', 'DELETE')),
  };

  /** An access token of a person's. */
  async token(person: string, options: TokenOptions = {}): Promise<string> {
    return ((await this.control('/tokens', 'POST', { as: person, ...options })) as { access_token: string }).access_token;
  }

  /** What the Console would do with a request, and why; nothing changes. */
  async explain(question: Question): Promise<Explanation> {
    return (await this.control('/explain', 'POST', question)) as Explanation;
  }

  /** Signs a person in on the sign-in page, which is open or about to be. */
  async signIn(page: Page, person: string, password = `${person}-password`): Promise<void> {
    await page.getByLabel('Login', { exact: true }).fill(person);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  }

  /** Signs a person in without the page: the browser is sent straight back to the application. */
  async skipSignIn(where: Page | BrowserContext, person: string): Promise<void> {
    const { cookie } = (await this.control('/sessions', 'POST', { as: person })) as { cookie: Parameters<BrowserContext['addCookies']>[0][number] };
    await ('context' in where ? where.context() : where).addCookies([cookie]);
  }

  private control(path: string, method: Method, body?: unknown): Promise<unknown> {
    return call(`${this.url}/_mock${path}`, method, body);
  }
}

/** Each worker has a sandbox of its own, and each test finds it as the seed says. */
export const test = base.extend<{ mock: Mockduktor }, { sandbox: Mockduktor; mockduktorUrl: string }>({
  mockduktorUrl: [
    async ({}, use) => {
      const url = process.env.MOCKDUKTOR_URL;
      if (!url) throw new Error('MOCKDUKTOR_URL names no server: wrap the configuration in withMockduktor, or start one and set it');
      await use(url);
    },
    { scope: 'worker' },
  ],
  sandbox: [
    async ({ mockduktorUrl }, use) => {
      const sandbox = await Mockduktor.open(mockduktorUrl);
      await use(sandbox);
      await sandbox.close();
    },
    { scope: 'worker' },
  ],
  mock: [
    async ({ sandbox }, use, info) => {
      await sandbox.reset();
      await use(sandbox);
      if (info.status !== info.expectedStatus) {
        const entries = await sandbox.journal.entries();
        await info.attach('journal', { body: JSON.stringify(entries, null, 2), contentType: 'application/json' });
      }
    },
    { auto: true },
  ],
});

/**
 * Starts mockduktor before the tests and ends it after them, on a free port:
 * the binary that MOCKDUKTOR_BIN names, or else `command`. Where MOCKDUKTOR_URL
 * names a server, that one is used and none is started.
 */
export function withMockduktor(
  config: PlaywrightTestConfig,
  { command = 'mockduktor', args = [] }: { command?: string; args?: string[] } = {},
): PlaywrightTestConfig {
  if (process.env.MOCKDUKTOR_URL) return config;
  const binary = process.env.MOCKDUKTOR_BIN;
  return {
    ...config,
    webServer: [
      {
        name: 'mockduktor',
        command: [binary ? quote(resolve(binary)) : command, '--listen', '127.0.0.1:0', '--log-level', 'warn', ...args.map(quote)].join(' '),
        // Playwright puts what the group matches into MOCKDUKTOR_URL.
        wait: { stdout: /Console\s+(?<mockduktor_url>https?:\/\/\S+)\/api\s/ },
        gracefulShutdown: { signal: 'SIGTERM', timeout: 5_000 },
        timeout: 300_000,
      },
      ...[config.webServer ?? []].flat(),
    ],
  };
}

const quote = (word: string) => (/^[\w./:=,-]+$/.test(word) ? word : JSON.stringify(word));

const resource = (kind: string, name: string, of: Record<string, string>) =>
  `/resources/${encodeURIComponent(kind)}/${encodeURIComponent(name)}${query(of)}`;

function query(parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.length > 0 ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : '';
}

/** Calls the control API; MOCKDUKTOR_MOCK_KEY is the server's --mock-key, where it has one. */
async function call(url: string, method: Method, body?: unknown, type = 'application/json'): Promise<unknown> {
  const key = process.env.MOCKDUKTOR_MOCK_KEY;
  const response = await fetch(url, {
    method,
    headers: { 'Content-Type': type, ...(key && { 'Mock-Key': key }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}
