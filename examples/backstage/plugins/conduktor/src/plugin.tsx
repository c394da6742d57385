import { createFrontendPlugin, PageBlueprint, useRouteRef } from '@backstage/frontend-plugin-api';
import { EntityContentBlueprint, EntityIconLinkBlueprint } from '@backstage/plugin-catalog-react/alpha';
import { useEntity } from '@backstage/plugin-catalog-react';
import { applicationOf } from './annotation';
import { conduktorApi } from './api';
import { idpAuthApi } from './auth';
import { StreamIcon } from './components/StreamIcon';
import { applicationRouteRef, rootRouteRef } from './routes';

const page = PageBlueprint.make({
  params: {
    path: '/conduktor',
    title: 'Conduktor',
    icon: <StreamIcon />,
    routeRef: rootRouteRef,
    loader: () => import('./components/ConduktorPage').then(m => <m.ConduktorPage />),
  },
});

const entityContent = EntityContentBlueprint.make({
  params: {
    path: '/conduktor',
    title: 'Conduktor',
    filter: entity => applicationOf(entity) !== undefined,
    loader: () => import('./components/EntityContent').then(m => <m.EntityContent />),
  },
});

const entityIconLink = EntityIconLinkBlueprint.make({
  params: {
    filter: entity => applicationOf(entity) !== undefined,
    useProps: () => {
      const application = applicationOf(useEntity().entity);
      const link = useRouteRef(applicationRouteRef);
      return {
        label: 'Conduktor',
        icon: <StreamIcon />,
        href: application && link?.({ application }),
        disabled: !application,
      };
    },
  },
});

/** Adds /conduktor, and a tab and a link to the entities that name an application. */
export const conduktorPlugin = createFrontendPlugin({
  pluginId: 'conduktor',
  title: 'Conduktor',
  icon: <StreamIcon />,
  info: { packageJson: () => import('../package.json') },
  routes: { root: rootRouteRef, application: applicationRouteRef },
  extensions: [idpAuthApi, conduktorApi, page, entityContent, entityIconLink],
});
