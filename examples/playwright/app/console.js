/**
 * @typedef {{ metadata: { name: string, application: string }, spec: { cluster: string } }} ApplicationInstance
 * @typedef {{ metadata: { name: string, cluster: string, labels?: Record<string, string> }, spec: { partitions: number } }} Topic
 */

/** An answer of Console that is no success, in Console's words. */
export class ConsoleError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {string} [reason] why, where the server says it
   */
  constructor(status, message, reason) {
    super(message);
    this.status = status;
    this.reason = reason;
  }

  /** @param {Response} response */
  static async from(response) {
    const text = await response.text();
    try {
      const { title, msg, cause } = JSON.parse(text);
      return new ConsoleError(response.status, msg ?? title ?? text, cause);
    } catch {
      return new ConsoleError(response.status, text);
    }
  }
}

/** The calls that the page makes to Console, as the person who is signed in. */
export class Console {
  #session;

  /** @param {import('./session.js').Session} session */
  constructor(session) {
    this.#session = session;
  }

  /**
   * What the person may see of an application's topics, instance by instance.
   * @param {string} application
   */
  async topics(application) {
    /** @type {ApplicationInstance[]} */
    const instances = await this.#call(`/self-serve/v1/application-instance?application=${encodeURIComponent(application)}`);
    return Promise.all(
      instances.map(async ({ metadata: { name }, spec: { cluster } }) => {
        /** @type {Topic[]} */
        const all = await this.#call(`/kafka/v2/cluster/${encodeURIComponent(cluster)}/topic`);
        return { cluster, topics: all.filter(topic => topic.metadata.labels?.['conduktor.io/application-instance'] === name) };
      }),
    );
  }

  /**
   * @param {string} cluster
   * @param {string} name
   */
  createTopic(cluster, name) {
    return this.#call(`/kafka/v2/cluster/${encodeURIComponent(cluster)}/topic`, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'v2', kind: 'Topic', metadata: { name, cluster }, spec: { partitions: 3, replicationFactor: 3 } }),
    });
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async #call(path, init) {
    let response = await this.#send(path, init);
    if (response.status === 401 && (await this.#session.renew().catch(() => null))) {
      response = await this.#send(path, init);
    }
    if (!response.ok) throw await ConsoleError.from(response);
    return response.json();
  }

  /**
   * @param {string} path
   * @param {RequestInit} [init]
   */
  async #send(path, init) {
    const headers = new Headers(init?.headers);
    headers.set('Authorization', `Bearer ${await this.#session.accessToken()}`);
    return fetch(`/api/proxy/conduktor/api/public${path}`, { ...init, headers });
  }
}
