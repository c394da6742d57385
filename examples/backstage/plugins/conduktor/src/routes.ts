import { createRouteRef, createSubRouteRef } from '@backstage/frontend-plugin-api';

export const rootRouteRef = createRouteRef();

export const applicationRouteRef = createSubRouteRef({ parent: rootRouteRef, path: '/:application' });
