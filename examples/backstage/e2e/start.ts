import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const backstage = resolve(__dirname, '..');
const logs = join(__dirname, 'test-results', 'logs');

/**
 * Starts mockduktor and Backstage on free ports with the configuration that
 * users have, changed by nothing but the ports, and with what mistakes/ adds to
 * it under names of its own. Returns what ends them. Where
 * E2E_MOCK_URL, E2E_BACKEND_URL and E2E_APP_URL say that all is running, nothing
 * is started.
 */
export default async function start() {
  if (process.env.E2E_MOCK_URL && process.env.E2E_BACKEND_URL && process.env.E2E_APP_URL) {
    return undefined;
  }
  const binary = process.env.MOCKDUKTOR ?? join(backstage, '../../bin/mockduktor');
  if (!existsSync(binary)) {
    throw new Error(`${binary} is not there: build it with "go build -o bin/mockduktor ./cmd/mockduktor"`);
  }
  mkdirSync(logs, { recursive: true });
  const [mock, backend, app] = await freePorts(3);
  const urls = { mock: `http://localhost:${mock}`, backend: `http://localhost:${backend}`, app: `http://localhost:${app}` };
  const moved = (text: string) =>
    text
      .replaceAll('localhost:8080', `localhost:${mock}`)
      .replaceAll('localhost:7007', `localhost:${backend}`)
      .replaceAll('localhost:3000', `localhost:${app}`);

  const place = async (source: string, name: string, change = (text: string) => text) => {
    const target = join(logs, name);
    await writeFile(target, change(moved(await readFile(join(backstage, source), 'utf8'))));
    return target;
  };

  const clients = await place('../../seed/default/clients.yaml', 'clients.yaml');
  const mistakes = await place('e2e/mistakes/seed.yaml', 'mistakes-seed.yaml');
  const entities = await place('catalog/shop.yaml', 'shop.yaml');
  const config = await place('app-config.yaml', 'app-config.yaml', text =>
    text
      .replace('port: 7007', `port: ${backend}`)
      .replace('./catalog/people.yaml', join(backstage, 'catalog/people.yaml'))
      .replace('./catalog/shop.yaml', entities),
  );
  const configs = ['--config', config, '--config', await place('e2e/mistakes/app-config.yaml', 'mistakes-app-config.yaml')];

  const running: ChildProcess[] = [];
  const run = (name: string, command: string, args: string[]) => {
    const child = spawn(command, args, { cwd: backstage, stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(join(logs, `${name}.log`));
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    running.push(child);
    return child;
  };
  const stop = async () => {
    for (const child of running.filter(c => c.exitCode === null && c.signalCode === null)) {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    }
  };

  try {
    const seeds = ['default', clients, mistakes].flatMap(seed => ['--seed', seed]);
    const emulator = run('mockduktor', binary, ['--listen', `127.0.0.1:${mock}`, '--public-url', urls.mock, ...seeds]);
    // The auth backend reads the discovery document once, at its start.
    await answers(`${urls.mock}/api/health/ready`, emulator);
    await Promise.all([
      answers(`${urls.backend}/.backstage/health/v1/readiness`, run('backend', 'node', ['packages/backend/index.js', ...configs])),
      answers(urls.app, run('app', 'node', ['packages/app/serve.mjs', '--config', config])),
    ]);
  } catch (error) {
    await stop();
    throw error;
  }
  process.env.E2E_MOCK_URL = urls.mock;
  process.env.E2E_BACKEND_URL = urls.backend;
  process.env.E2E_APP_URL = urls.app;
  return stop;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map(server => once(server, 'listening')));
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}

/** Resolves once the address answers with success; fails when the process ends before. */
async function answers(url: string, process: ChildProcess) {
  for (const deadline = Date.now() + 120_000; ; await pause(50)) {
    if (process.exitCode !== null) {
      throw new Error(`${process.spawnargs.join(' ')} ended; see ${logs}`);
    }
    if (await fetch(url).then(response => response.ok, () => false)) {
      return;
    }
    if (Date.now() > deadline) {
      throw new Error(`${url} does not answer; see ${logs}`);
    }
  }
}
