import { ApiBlueprint, createApiRef, discoveryApiRef, fetchApiRef } from '@backstage/frontend-plugin-api';
import { idpAuthApiRef } from '../auth';
import { ConduktorClient } from './ConduktorClient';

/** Console, as the person who is signed in. */
export const conduktorApiRef = createApiRef<ConduktorClient>({ id: 'plugin.conduktor.client' });

export const conduktorApi = ApiBlueprint.make({
  params: defineParams =>
    defineParams({
      api: conduktorApiRef,
      deps: { auth: idpAuthApiRef, discovery: discoveryApiRef, fetchApi: fetchApiRef },
      factory: ({ auth, discovery, fetchApi }) => new ConduktorClient(auth, discovery, fetchApi),
    }),
});
