import { SignInPage } from '@backstage/core-components';
import { createFrontendModule } from '@backstage/frontend-plugin-api';
import { SignInPageBlueprint } from '@backstage/plugin-app-react';
import { idpAuthApiRef } from '@internal/plugin-conduktor';

const signInPage = SignInPageBlueprint.make({
  params: {
    loader: async () => props => (
      <SignInPage
        {...props}
        title="Sign in"
        align="center"
        provider={{
          id: 'oidc',
          title: 'Single sign-on',
          message: 'With your company account',
          apiRef: idpAuthApiRef,
        }}
      />
    ),
  },
});

export const signInModule = createFrontendModule({ pluginId: 'app', extensions: [signInPage] });
