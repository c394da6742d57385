import type { TableColumn } from '@backstage/core-components';
import type { ApplicationInstance, ListedConsumerGroup } from '../api/resources';
import { ConsoleTable } from './ConsoleTable';
import { count, duration } from './figures';

const columns: TableColumn<ListedConsumerGroup & { id: string }>[] = [
  { title: 'Consumer group', field: 'name', defaultSort: 'asc', highlight: true },
  { title: 'State', field: 'state', render: row => row.state ?? '–' },
  { title: 'Members', field: 'members', type: 'numeric', render: row => count(row.members) },
  { title: 'Lag', field: 'overallLag', type: 'numeric', render: row => count(row.overallLag) },
  { title: 'Behind by', field: 'maxLagTimeInSeconds', type: 'numeric', render: row => duration(row.maxLagTimeInSeconds) },
  {
    title: 'Topics',
    field: 'topics',
    sorting: false,
    render: row => row.topics?.map(topic => <div key={topic}>{topic}</div>) ?? '–',
  },
];

/** The consumer groups of an instance that the person may see, with their lag. */
export const ConsumerGroupTable = ({ instance }: { instance: ApplicationInstance }) => (
  <ConsoleTable<ListedConsumerGroup>
    title="Consumer groups"
    columns={columns}
    idOf={group => group.name}
    load={(client, query) => client.consumerGroups(instance, query)}
    empty={`You see no consumer group of ${instance.metadata.name}: there is none, or none of your groups grants it.`}
  />
);
