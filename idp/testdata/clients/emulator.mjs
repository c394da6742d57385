// Runs the built binary on a free port until the tests of the file have ended.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after } from 'node:test';

const here = new URL('.', import.meta.url);
const binary = process.env.MOCKDUKTOR_BINARY ?? fileURLToPath(new URL('../../../bin/mockduktor', here));

// emulator starts it with a seed, further arguments and variables for the
// seed's placeholders, and gives its URL and issuers once it has greeted.
export async function emulator({ seed = 'seed.yaml', args = [], env = {}, stdin = '' } = {}) {
  const process_ = spawn(binary, ['--listen', '127.0.0.1:0', '--log-level', 'warn', '--seed', fileURLToPath(new URL(seed, here)), ...args], {
    env: { ...process.env, ...env },
  });
  process_.stdin.end(stdin);
  let output = '';
  let complaints = '';
  process_.stderr.on('data', (chunk) => { complaints += chunk; });
  const greeting = await new Promise((resolve, reject) => {
    process_.once('error', (error) => reject(new Error(`${binary}: ${error.message}; build it, or name it in MOCKDUKTOR_BINARY`)));
    process_.once('exit', (code) => reject(new Error(`the emulator ended (${code}) before it served:\n${complaints}`)));
    process_.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('\nTry:')) resolve(output);
    });
  });
  const ended = new Promise((resolve) => process_.once('exit', resolve));
  after(async () => {
    process_.kill('SIGTERM');
    await ended;
  });
  const issuers = Object.fromEntries([...greeting.matchAll(/^\s+(http\S+)\s+\(Provider (\S+)\)$/gm)].map(([, issuer, name]) => [name, issuer]));
  return {
    url: greeting.match(/^\s+Console\s+(http\S+)\/api/m)[1],
    issuer: greeting.match(/^\s+Issuer\s+(http\S+)$/m)[1],
    issuers,
    log: () => complaints,
  };
}
