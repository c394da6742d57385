// The certified oidc-provider on loopback, told what compare.yaml tells ours:
// the same people, clients, grants, scopes and algorithms.
import { createServer } from 'node:http';
import { after } from 'node:test';

const people = {
  ada: { name: 'Ada Lovelace', given_name: 'Ada', family_name: 'Lovelace', preferred_username: 'ada', email: 'ada@rp.example', email_verified: true, groups: ['engineers', 'ops'] },
  ben: { name: 'Ben Ali', given_name: 'Ben', family_name: 'Ali', preferred_username: 'ben', email: 'ben@rp.example', email_verified: true, groups: ['engineers'] },
};
const device = 'urn:ietf:params:oauth:grant-type:device_code';
const scopes = ['openid', 'profile', 'email', 'groups', 'offline_access'];
const callback = 'https://rp.example/callback';
const bye = ['https://rp.example/bye'];
const code = ['authorization_code', 'refresh_token'];

const clients = [
  { client_id: 'web', client_secret: 'web-secret', redirect_uris: [callback], post_logout_redirect_uris: bye, response_types: ['code'], grant_types: [...code, 'client_credentials', device] },
  { client_id: 'other', client_secret: 'other-secret', redirect_uris: [callback], post_logout_redirect_uris: bye, response_types: ['code'], grant_types: code },
  { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris: [callback], post_logout_redirect_uris: bye, response_types: ['code'], grant_types: code },
  { client_id: 'native', token_endpoint_auth_method: 'none', application_type: 'native', redirect_uris: ['http://127.0.0.1/callback'], response_types: ['code'], grant_types: code },
  { client_id: 'job', client_secret: 'job-secret', redirect_uris: [], response_types: [], grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post' },
  { client_id: 'pushes', client_secret: 'pushes-secret', redirect_uris: [callback], response_types: ['code'], grant_types: code, require_pushed_authorization_requests: true },
  { client_id: 'proves', client_secret: 'proves-secret', redirect_uris: [callback], response_types: ['code'], grant_types: code, dpop_bound_access_tokens: true },
];

// certified starts it and gives its issuer.
export async function certified() {
  for (const name of ['log', 'info', 'warn']) console[name] = () => {}; // it warns of http and of its own pages
  const { Provider } = await import('oidc-provider');
  const { exportJWK, generateKeyPair } = await import('jose');
  const keys = await Promise.all(['RS256', 'PS256', 'ES256', 'EdDSA'].map(async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), alg, use: 'sig' };
  }));
  const server = createServer();
  await new Promise((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://localhost:${server.address().port}`;
  const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys },
    scopes,
    claims: {
      acr: null, auth_time: null, iss: null, sid: null, amr: null, openid: ['sub'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username', 'picture'], email: ['email', 'email_verified'], groups: ['groups'],
    },
    acrValues: ['1', '2'],
    responseTypes: ['code'],
    subjectTypes: ['public'],
    conformIdTokenClaims: false,
    enableHttpPostMethods: true,
    cookies: { keys: ['of the test'], long: { sameSite: 'none' } },
    clientBasedCORS: () => true,
    rotateRefreshToken: true,
    issueRefreshToken: (_, client) => client.grantTypeAllowed('refresh_token'),
    pkce: { required: (_, client) => client.clientAuthMethod === 'none' },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['HS256', ...algorithms, 'Ed25519'], idTokenSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms, dPoPSigningAlgValues: [...algorithms, 'Ed25519'],
    },
    features: {
      claimsParameter: { enabled: true }, clientCredentials: { enabled: true }, deviceFlow: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true }, revocation: { enabled: true }, jwtUserinfo: { enabled: true },
      registration: { enabled: true }, registrationManagement: { enabled: true }, backchannelLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_, resource) => {
          if (resource !== 'https://api.rp.example') throw new InvalidTarget();
          return { scope: 'reports', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
        },
      },
    },
    findAccount: (_, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
    // Nobody is asked for consent, as at ours.
    async loadExistingGrant(ctx) {
      const { client, session, account } = ctx.oidc;
      const known = session.grantIdFor(client.clientId);
      const found = known && await provider.Grant.find(known);
      if (found) return found;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: account.accountId });
      grant.addOIDCScope(scopes.join(' '));
      grant.addOIDCClaims(['name', 'given_name', 'family_name', 'preferred_username', 'picture', 'email', 'email_verified', 'groups', 'acr', 'auth_time']);
      grant.addResourceScope('https://api.rp.example', 'reports');
      await grant.save();
      return grant;
    },
  });
  const { errors: { InvalidTarget } } = await import('oidc-provider');
  server.on('request', provider.callback());
  return { issuer };
}
