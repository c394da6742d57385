import type { TableColumn } from '@backstage/core-components';
import type { ApplicationInstance, Subject } from '../api/resources';
import { ConsoleTable } from './ConsoleTable';

const columns: TableColumn<Subject & { id: string }>[] = [
  { title: 'Subject', field: 'metadata.name', defaultSort: 'asc', highlight: true },
  { title: 'Format', field: 'spec.format' },
  { title: 'Compatibility', field: 'spec.compatibility', render: row => row.spec.compatibility ?? "the registry's" },
  { title: 'Version', field: 'spec.version', type: 'numeric' },
  { title: 'Schema id', field: 'spec.id', type: 'numeric' },
];

/** The schema registry's subjects of an instance that the person may see. */
export const SubjectTable = ({ instance }: { instance: ApplicationInstance }) => (
  <ConsoleTable<Subject>
    title="Subjects"
    columns={columns}
    idOf={subject => subject.metadata.name}
    load={(client, query) => client.subjects(instance, query)}
    empty={`You see no subject of ${instance.metadata.name}: there is none, or none of your groups grants it.`}
  />
);
