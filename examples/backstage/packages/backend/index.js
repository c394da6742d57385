// The backend: who is signed in, who is known, and the way to Console.
const { createBackend } = require('@backstage/backend-defaults');

const backend = createBackend();
backend.add(import('@backstage/plugin-auth-backend'));
backend.add(import('@backstage/plugin-auth-backend-module-oidc-provider'));
backend.add(import('@backstage/plugin-proxy-backend'));
backend.add(import('@backstage/plugin-catalog-backend'));
// Says why an entity is missing; without it the catalog keeps silent.
backend.add(import('@backstage/plugin-catalog-backend-module-logs'));
backend.start();
