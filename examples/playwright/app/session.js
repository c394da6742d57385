import { UserManager } from 'oidc-client-ts';

/**
 * Who is signed in, by the authorization code flow with PKCE. Tokens are
 * renewed with the refresh token before they run out.
 */
export class Session {
  /** @type {Promise<import('oidc-client-ts').User | null> | undefined} */
  #renewal;
  #manager;

  /** @param {{ issuer: string, clientId: string }} settings */
  constructor({ issuer, clientId }) {
    this.#manager = new UserManager({
      authority: issuer,
      client_id: clientId,
      redirect_uri: `${location.origin}/`,
      scope: 'openid profile email groups offline_access',
      automaticSilentRenew: false,
    });
    this.#manager.events.addAccessTokenExpiring(() => {
      // If it fails, the next call to Console is refused and tells the person.
      this.renew().catch(() => {});
    });
  }

  /**
   * The person at the page, or null where the browser has been sent to the
   * identity provider.
   */
  async person() {
    const query = new URLSearchParams(location.search);
    if (query.has('state')) {
      const user = await this.#manager.signinRedirectCallback();
      history.replaceState(null, '', String(user.state ?? '/'));
    }
    const user = await this.#manager.getUser();
    if (user) return user.profile;
    await this.signIn();
    return null;
  }

  /** Sends the browser to the identity provider, and back to this address. */
  signIn() {
    return this.#manager.signinRedirect({ state: location.pathname + location.search });
  }

  async accessToken() {
    const user = await this.#manager.getUser();
    return user?.access_token;
  }

  /** Gets new tokens; once for all that ask at the same time, for a refresh token is good for one use. */
  async renew() {
    this.#renewal ??= this.#manager.signinSilent().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }
}
