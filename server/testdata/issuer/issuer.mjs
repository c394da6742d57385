// Runs one of the issuers on a free port of 127.0.0.1 and does what the test
// says: a line of JSON in, a line of JSON out, until standard input ends.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

// Standard output is for answers alone; what the libraries print goes beside it.
for (const name of ['log', 'info', 'debug', 'warn']) console[name] = console.error;

const programs = { 'oauth2-mock-server': mockServer, 'oidc-provider': oidcProvider };

function answer(value) {
  process.stdout.write(JSON.stringify(value ?? {}) + '\n');
}

// site is the HTTP server in front of an issuer: it can be out of order or away,
// and what is behind it can be replaced.
async function site() {
  const here = { handler: null, broken: '' };
  const server = createServer((request, response) => {
    if (here.broken && request.url.includes(here.broken)) {
      response.writeHead(503).end('out of order');
      return;
    }
    here.handler(request, response);
  });
  const listen = (port) => new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address();
  here.url = `http://127.0.0.1:${port}`;
  here.commands = {
    breaks: ({ path }) => { here.broken = path; },
    leaves: () => new Promise((resolve) => { server.close(() => resolve()); server.closeAllConnections(); }),
    returns: () => listen(port),
  };
  return here;
}

async function mockServer() {
  const { OAuth2Issuer, OAuth2Service } = await import('oauth2-mock-server');
  const here = await site();
  let claims = {};
  let named = here.url;
  let issuer;
  const replace = async (alg) => {
    issuer = new OAuth2Issuer();
    issuer.url = here.url;
    await issuer.keys.generate(alg);
    const service = new OAuth2Service(issuer);
    service.on('beforeTokenSigning', (token) => Object.assign(token.payload, claims));
    service.on('beforeWellKnownOpenIdConfiguration', (response) => { response.body.issuer = named; });
    here.handler = service.requestHandler;
  };
  await replace('RS256');
  return {
    url: here.url,
    token: '/token',
    commands: {
      ...here.commands,
      claims: (wanted) => { claims = wanted.claims; },
      // A key more: tokens are signed with each in turn.
      adds: ({ alg }) => issuer.keys.generate(alg).then(({ kid }) => ({ kid })),
      // Another key in place of all.
      rotates: ({ alg }) => replace(alg),
      names: ({ issuer: other }) => { named = other; },
    },
  };
}

async function oidcProvider() {
  const { Provider } = await import('oidc-provider');
  const { exportJWK, generateKeyPair } = await import('jose');
  const here = await site();
  let claims = {};
  const keys = [];
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    keys.push({ ...(await exportJWK(privateKey)), alg, use: 'sig' });
  }
  const provider = new Provider(here.url, {
    clients: [{
      client_id: 'console', client_secret: 'console-secret', grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    }],
    jwks: { keys },
    extraTokenClaims: () => claims,
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        // The last part of the resource says how the token is signed.
        getResourceServerInfo: (_, resource) => ({
          scope: '', audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: resource.split(':').pop() } },
        }),
      },
    },
  });
  here.handler = provider.callback();
  return {
    url: here.url,
    token: '/token',
    commands: { ...here.commands, claims: (wanted) => { claims = wanted.claims; } },
  };
}

const issuer = await programs[process.argv[2]]();
answer({ url: issuer.url, token: issuer.url + issuer.token });
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...wanted } = JSON.parse(line);
  try {
    answer(await issuer.commands[command](wanted));
  } catch (error) {
    answer({ error: `${command}: ${error.stack}` });
  }
}
process.exit();
