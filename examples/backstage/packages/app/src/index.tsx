import { createApp } from '@backstage/frontend-defaults';
import apiDocsPlugin from '@backstage/plugin-api-docs/alpha';
import catalogPlugin from '@backstage/plugin-catalog/alpha';
import '@backstage/ui/css/styles.css';
import conduktorPlugin from '@internal/plugin-conduktor';
import { createRoot } from 'react-dom/client';
import { navModule } from './nav';
import { signInModule } from './signIn';

const app = createApp({
  features: [catalogPlugin, apiDocsPlugin, conduktorPlugin, signInModule, navModule],
});

createRoot(document.getElementById('root')!).render(app.createRoot());
