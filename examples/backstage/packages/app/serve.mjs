// Serves the bundle and puts into the page the part of the configuration that
// browsers may see.  usage: node serve.mjs [--config FILE]…
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigSources } from '@backstage/config-loader';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const types = { '.js': 'text/javascript', '.css': 'text/css', '.map': 'application/json' };

const config = await ConfigSources.toConfig(ConfigSources.default({ argv: process.argv.slice(2), rootDir: here('../..') }));
const visible = {
  app: { title: config.getString('app.title'), baseUrl: config.getString('app.baseUrl') },
  backend: { baseUrl: config.getString('backend.baseUrl') },
  auth: { environment: config.getString('auth.environment') },
};
const page = (await readFile(here('index.html'), 'utf8')).replace(
  '<!--config-->',
  JSON.stringify([{ context: 'app-config', data: visible }]).replaceAll('<', '\\u003c'),
);

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (!pathname.startsWith('/static/')) {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
    return;
  }
  const file = join(here('dist'), normalize(pathname));
  if (!(await stat(file).catch(() => undefined))?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream' });
  createReadStream(file).pipe(response);
});
const { hostname, port } = new URL(visible.app.baseUrl);
// HOST is the address to listen on where it differs from the one in the URL, as in containers.
server.listen(Number(port || 80), process.env.HOST ?? hostname, () => console.log(`Backstage: ${visible.app.baseUrl}`));
