// The part of a Backstage backend that signs people in: the routes of
// plugin-auth-node over the modules' own authenticators, on a free port. It is a
// process of its own, since NODE_EXTRA_CA_CERTS is read at the start alone.
// usage: node backend.mjs CONFIG    CONFIG is JSON: by id, module and settings,
// and hosts that shall be found at a port of this machine
import dns from 'node:dns';
import https from 'node:https';
import { createRequire } from 'node:module';
import tls from 'node:tls';
import cookieParser from 'cookie-parser';
import express from 'express';
import session from 'express-session';

const require = createRequire(import.meta.url);
const { ConfigReader } = require('@backstage/config');
const { createOAuthRouteHandlers } = require('@backstage/plugin-auth-node');
const { providers, hosts, port } = JSON.parse(process.argv[2]);

// What a container has in /etc/hosts and by a mapped port; nothing else than
// this machine is ever reached.
const lookup = dns.lookup;
dns.lookup = (host, ...rest) => {
  if (['localhost', '127.0.0.1', ...hosts].includes(host)) return lookup('127.0.0.1', ...rest);
  return rest.at(-1)(Object.assign(new Error(`${host} is not of this test`), { code: 'ENOTFOUND' }));
};
https.globalAgent.createConnection = (options, done) => tls.connect({
  ...options, servername: options.servername || options.host, ...(hosts.includes(options.host) && { port }),
}, done);

const app = express();
app.use(cookieParser());
app.use(session({ secret: 'of the test', resave: false, saveUninitialized: false }));
const server = app.listen(0, '127.0.0.1', () => {
  const baseUrl = `http://127.0.0.1:${server.address().port}`;
  for (const [id, { module, authenticator, config }] of Object.entries(providers)) {
    const handlers = createOAuthRouteHandlers({
      authenticator: require(`@backstage/plugin-auth-backend-module-${module}-provider`)[authenticator],
      config: new ConfigReader({ clientId: 'backstage', clientSecret: 'backstage-secret', ...config }),
      baseUrl: `${baseUrl}/api/auth`, appUrl: 'http://localhost:3000', providerId: id, isOriginAllowed: () => true, resolverContext: {},
    });
    const route = (handle) => (request, response, next) => handle(request, response).catch(next);
    app.get(`/api/auth/${id}/start`, route(handlers.start));
    app.get(`/api/auth/${id}/handler/frame`, route(handlers.frameHandler));
    app.get(`/api/auth/${id}/refresh`, route(handlers.refresh));
    app.post(`/api/auth/${id}/logout`, route(handlers.logout));
  }
  app.use((error, _request, response, _next) => response.status(500).json({ error: `${error.name}: ${error.message}` }));
  process.stdout.write(`${baseUrl}\n`);
});
process.stdin.on('end', () => process.exit()).resume();
