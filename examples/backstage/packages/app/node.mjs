// What some packages take for granted because they also run in Node.
export { Buffer } from 'buffer/';
export const process = { env: {}, browser: true, version: '', cwd: () => '/', nextTick: queueMicrotask };
