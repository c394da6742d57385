import type { Entity } from '@backstage/catalog-model';

/** Names the Conduktor application that belongs to a catalog entity. */
export const APPLICATION_ANNOTATION = 'conduktor.io/application';

/** The Conduktor application of an entity, if it names one. */
export const applicationOf = (entity: Entity): string | undefined =>
  entity.metadata.annotations?.[APPLICATION_ANNOTATION];
