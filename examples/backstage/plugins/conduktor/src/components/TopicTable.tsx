import type { TableColumn } from '@backstage/core-components';
import type { ApplicationInstance, ListedTopic } from '../api/resources';
import { ConsoleTable } from './ConsoleTable';
import { count, duration, rate, size } from './figures';

const columns: TableColumn<ListedTopic & { id: string }>[] = [
  { title: 'Topic', field: 'name', defaultSort: 'asc', highlight: true },
  { title: 'Partitions', field: 'partitionCount', type: 'numeric', render: row => count(row.partitionCount) },
  { title: 'Messages', field: 'recordCount', type: 'numeric', render: row => count(row.recordCount) },
  { title: 'Size', field: 'topicSize', type: 'numeric', render: row => size(row.topicSize) },
  {
    title: 'Kept for',
    field: 'retentionInMs',
    type: 'numeric',
    render: ({ retentionInMs }) =>
      retentionInMs === -1 ? 'ever' : duration(retentionInMs && Math.round(retentionInMs / 1000)),
  },
  { title: 'Produced', field: 'produceRate', type: 'numeric', render: row => rate(row.produceRate) },
];

/** The topics of an instance that the person may see. */
export const TopicTable = ({ instance }: { instance: ApplicationInstance }) => (
  <ConsoleTable<ListedTopic>
    title="Topics"
    columns={columns}
    idOf={topic => topic.name}
    load={(client, query) => client.topics(instance, query)}
    empty={`You see no topic of ${instance.metadata.name}: there is none, or none of your groups grants it.`}
  />
);
