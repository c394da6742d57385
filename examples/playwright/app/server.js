import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';

/**
 * What the page has to know, and where its calls go.
 * @typedef {object} Settings
 * @property {string} issuer the identity provider
 * @property {string} clientId the page's client there
 * @property {string} consoleUrl the Console's base address
 */

const proxied = '/api/proxy/conduktor/';

/** @type {Record<string, { file: string, type: string }>} */
const files = {
  '/': { file: './index.html', type: 'text/html; charset=utf-8' },
  '/page.js': { file: './page.js', type: 'text/javascript' },
  '/session.js': { file: './session.js', type: 'text/javascript' },
  '/console.js': { file: './console.js', type: 'text/javascript' },
  '/modules/oidc-client-ts.js': { file: '../node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js', type: 'text/javascript' },
  '/modules/jwt-decode.js': { file: '../node_modules/jwt-decode/build/esm/index.js', type: 'text/javascript' },
};

/**
 * Serves the page and, like the proxy of a Backstage backend, hands the calls
 * below /api/proxy/conduktor on to Console.
 * @param {Settings} settings
 * @param {number} [port] 0 takes a free one
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function serve({ issuer, clientId, consoleUrl }, port = 0) {
  const server = createServer(async (request, response) => {
    const asked = `http://localhost${request.url}`;
    if (!URL.canParse(asked)) return response.writeHead(400).end('Not an address');
    const { pathname, search } = new URL(asked);
    const found = files[pathname];
    if (pathname.startsWith(proxied)) {
      await pass(request, response, consoleUrl + pathname.slice(proxied.length - 1) + search);
    } else if (pathname === '/config.json') {
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ issuer, clientId }));
    } else if (found) {
      response.setHeader('Content-Type', found.type).end(await readFile(new URL(found.file, import.meta.url)));
    } else {
      response.writeHead(404).end('Not found');
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://localhost:${address.port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * Sends a call on with the headers that Console needs, and its answer back.
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 * @param {string} url
 */
async function pass(request, response, url) {
  try {
    /** @type {Buffer[]} */
    const body = await request.toArray();
    const headers = new Headers({ Accept: 'application/json' });
    if (request.headers.authorization) headers.set('Authorization', request.headers.authorization);
    if (request.headers['content-type']) headers.set('Content-Type', request.headers['content-type']);
    const answer = await fetch(url, {
      method: request.method ?? 'GET',
      headers,
      ...(body.length > 0 && { body: Buffer.concat(body) }),
    });
    const content = Buffer.from(await answer.arrayBuffer());
    response.writeHead(answer.status, { 'Content-Type': answer.headers.get('Content-Type') ?? 'text/plain' }).end(content);
  } catch {
    // Console hung up; the page is told as by any gateway.
    response.writeHead(502, { 'Content-Type': 'text/plain' }).end('Console is out of reach');
  }
}

// node app/server.js: the page by itself, in front of whatever the environment names.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const base = process.env.MOCKDUKTOR_URL ?? 'http://localhost:8080';
  const { url } = await serve({ issuer: `${base}/idp`, clientId: 'browser-app', consoleUrl: base }, Number(process.env.PORT ?? 3000));
  console.log(`${url}/?application=checkout`);
}
