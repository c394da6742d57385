import { EmptyState, Progress, Select } from '@backstage/core-components';
import { Flex } from '@backstage/ui';
import { useCallback, useState } from 'react';
import type { ConduktorClient } from '../api/ConduktorClient';
import { ConsumerGroupTable } from './ConsumerGroupTable';
import { Ownership } from './Ownership';
import { Refusal } from './Refusal';
import { SubjectTable } from './SubjectTable';
import { TopicTable } from './TopicTable';
import { useConsole } from './useConsole';

/** An application with its owner and, for one of its clusters, what it has there. */
export const ApplicationView = ({ name }: { name: string }) => {
  const ask = useCallback(
    async (client: ConduktorClient) => {
      const [application, instances] = await Promise.all([client.application(name), client.instances(name)]);
      return { application, instances };
    },
    [name],
  );
  const { value, error, retry } = useConsole(ask);
  const [chosen, setChosen] = useState<string>();

  if (error) {
    return <Refusal error={error} retry={retry} />;
  }
  if (!value) {
    return <Progress />;
  }
  const { application, instances } = value;
  const instance = instances.find(i => i.metadata.name === chosen) ?? instances[0];
  return (
    <Flex direction="column" gap="4">
      <Ownership application={application} />
      {instance ? (
        <>
          <Select
            label="Instance"
            selected={instance.metadata.name}
            items={instances.map(i => ({
              value: i.metadata.name,
              label: `${i.metadata.name} on ${i.spec.cluster}`,
            }))}
            onChange={selected => setChosen(String(selected))}
          />
          <TopicTable key={`topics ${instance.metadata.name}`} instance={instance} />
          <ConsumerGroupTable key={`groups ${instance.metadata.name}`} instance={instance} />
          <SubjectTable key={`subjects ${instance.metadata.name}`} instance={instance} />
        </>
      ) : (
        <EmptyState
          missing="data"
          title="On no cluster yet"
          description={`The application ${name} has no instance that you may see.`}
        />
      )}
    </Flex>
  );
};
