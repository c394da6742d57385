import { EmptyState, Link, Progress, Table } from '@backstage/core-components';
import type { TableColumn } from '@backstage/core-components';
import { useRouteRef } from '@backstage/frontend-plugin-api';
import type { Application } from '../api/resources';
import type { ConduktorClient } from '../api/ConduktorClient';
import { applicationRouteRef } from '../routes';
import { Refusal } from './Refusal';
import { useConsole } from './useConsole';

type Row = Application & { id: string };

const ask = (client: ConduktorClient) => client.applications();

const ApplicationLink = ({ application }: { application: Application }) => {
  const link = useRouteRef(applicationRouteRef);
  const { name } = application.metadata;
  return <Link to={link?.({ application: name }) ?? name}>{application.spec.title}</Link>;
};

const columns: TableColumn<Row>[] = [
  { title: 'Application', field: 'spec.title', defaultSort: 'asc', render: row => <ApplicationLink application={row} /> },
  { title: 'Description', field: 'spec.description' },
  { title: 'Owner', field: 'spec.owner' },
];

/** The applications that the person may see. */
export const ApplicationList = () => {
  const { value, error, retry } = useConsole(ask);
  if (error) {
    return <Refusal error={error} retry={retry} />;
  }
  if (!value) {
    return <Progress />;
  }
  return (
    <Table
      title="Applications"
      columns={columns}
      data={value.map(application => ({ ...application, id: application.metadata.name }))}
      options={{ pageSize: 10, emptyRowsWhenPaging: false }}
      emptyContent={
        <EmptyState missing="data" title="No applications" description="Console has none that you may see." />
      }
    />
  );
};
