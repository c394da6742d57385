/**
 * What a Conduktor Console knows of an application, for Backstage.
 *
 * @packageDocumentation
 */
export { conduktorPlugin as default } from './plugin';
export { idpAuthApiRef } from './auth';
export { APPLICATION_ANNOTATION } from './annotation';
