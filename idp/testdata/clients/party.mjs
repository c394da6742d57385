// A client of the matrix: each feature is a test, and counts once it passed.
import { appendFileSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';

// party names a client of the matrix, the folder of its package and the file that
// this is installed beside.
export function party(client, folder = client, beside = import.meta.url) {
  const manifest = new URL(`node_modules/${folder}/package.json`, beside);
  const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
  const features = [];
  after(() => {
    const matrix = process.env.MOCKDUKTOR_MATRIX;
    if (matrix) appendFileSync(matrix, JSON.stringify({ client, version, features }) + '\n');
  });
  return (feature, run) => void test(feature, async (t) => {
    await run(t);
    features.push(feature);
  });
}
