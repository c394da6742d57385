// A fetch that trusts one authority and finds every https host at a port of this
// machine, as a browser does that was told so.
import https from 'node:https';

export const fetchOver = (ca, port) => (address, { method = 'GET', headers = {}, body } = {}) => new Promise((resolve, reject) => {
  const url = new URL(address);
  const form = body instanceof URLSearchParams && { 'content-type': 'application/x-www-form-urlencoded' };
  const request = https.request({
    host: '127.0.0.1', port, servername: url.hostname, ca, method, path: url.pathname + url.search, headers: { host: url.host, ...form, ...headers },
  }, async (response) => {
    const chunks = await response.toArray();
    const answered = new Headers();
    for (let i = 0; i < response.rawHeaders.length; i += 2) answered.append(response.rawHeaders[i], response.rawHeaders[i + 1]);
    resolve(new Response(Buffer.concat(chunks), { status: response.statusCode, headers: answered }));
  });
  request.on('error', reject).end(body && `${body}`);
});
