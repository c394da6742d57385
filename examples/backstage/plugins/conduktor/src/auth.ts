import { OAuth2 } from '@backstage/core-app-api';
import {
  ApiBlueprint,
  configApiRef,
  createApiRef,
  discoveryApiRef,
  oauthRequestApiRef,
} from '@backstage/frontend-plugin-api';
import { StreamIcon } from './components/StreamIcon';
import type {
  BackstageIdentityApi,
  OAuthApi,
  OpenIdConnectApi,
  ProfileInfoApi,
  SessionApi,
} from '@backstage/frontend-plugin-api';

/**
 * The sign-in with the identity provider that Backstage and Console share. The
 * sign-in page and the Console client both use it, so that the token of the one
 * is the token of the other.
 */
export const idpAuthApiRef = createApiRef<
  OAuthApi & OpenIdConnectApi & ProfileInfoApi & BackstageIdentityApi & SessionApi
>({ id: 'plugin.conduktor.idp' });

/** Talks to the provider `oidc` of the auth backend. */
export const idpAuthApi = ApiBlueprint.make({
  name: 'idp',
  params: defineParams =>
    defineParams({
      api: idpAuthApiRef,
      deps: {
        configApi: configApiRef,
        discoveryApi: discoveryApiRef,
        oauthRequestApi: oauthRequestApiRef,
      },
      factory: ({ configApi, discoveryApi, oauthRequestApi }) =>
        OAuth2.create({
          configApi,
          discoveryApi,
          oauthRequestApi,
          environment: configApi.getOptionalString('auth.environment'),
          provider: { id: 'oidc', title: 'Single sign-on', icon: StreamIcon },
          defaultScopes: ['openid', 'profile', 'email'],
        }),
    }),
});
