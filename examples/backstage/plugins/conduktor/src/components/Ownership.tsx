import { InfoCard, StructuredMetadataTable } from '@backstage/core-components';
import { useCallback } from 'react';
import { ConsoleError } from '../api/ConsoleError';
import type { ConduktorClient } from '../api/ConduktorClient';
import type { Application } from '../api/resources';
import { useConsole } from './useConsole';

/** Whose application it is. Not everybody may see who is in the group. */
export const Ownership = ({ application }: { application: Application }) => {
  const { owner, title, description } = application.spec;
  const ask = useCallback((client: ConduktorClient) => client.group(owner), [owner]);
  const { value: group, error } = useConsole(ask);

  const labels = Object.entries(application.metadata.labels ?? {}).map(([key, value]) => `${key}: ${value}`);

  const members = () => {
    if (error instanceof ConsoleError && error.status === 403) {
      return `Not shown to you. ${error.detail ?? error.title}`;
    }
    if (error) {
      return `Not known: ${error.message}`;
    }
    if (!group) {
      return 'Loading';
    }
    const everybody = new Set([...(group.spec.members ?? []), ...(group.spec.membersFromExternalGroups ?? [])]);
    return everybody.size > 0 ? [...everybody].sort() : 'Nobody';
  };

  return (
    <InfoCard title={title} subheader={description}>
      <StructuredMetadataTable
        metadata={{
          owner: group ? `${group.spec.displayName} (${owner})` : owner,
          members: members(),
          labels: labels.length > 0 ? labels : 'None',
        }}
      />
    </InfoCard>
  );
};
