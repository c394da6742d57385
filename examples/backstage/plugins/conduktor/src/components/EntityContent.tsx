import { useEntity } from '@backstage/plugin-catalog-react';
import { applicationOf } from '../annotation';
import { ApplicationView } from './ApplicationView';

/** The tab of a catalog entity: its Conduktor application. */
export const EntityContent = () => {
  const application = applicationOf(useEntity().entity);
  return application ? <ApplicationView key={application} name={application} /> : null;
};
