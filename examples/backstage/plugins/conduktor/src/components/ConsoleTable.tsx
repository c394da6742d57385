import { InfoCard, Table } from '@backstage/core-components';
import type { TableColumn } from '@backstage/core-components';
import { useApi } from '@backstage/frontend-plugin-api';
import { type CSSProperties, useState } from 'react';
import { conduktorApiRef } from '../api';
import type { ConduktorClient, Query, Rows } from '../api/ConduktorClient';
import { Refusal } from './Refusal';

type Props<T extends object> = {
  title: string;
  columns: TableColumn<T & { id: string }>[];
  load: (client: ConduktorClient, query: Query) => Promise<Rows<T>>;
  idOf: (row: T) => string;
  /** what is said where there is nothing */
  empty: string;
};

const oneLine: CSSProperties = { whiteSpace: 'nowrap' };

/** A table that asks Console for each page, search and order. */
export function ConsoleTable<T extends object>({ title, columns, load, idOf, empty }: Props<T>) {
  const client = useApi(conduktorApiRef);
  const [error, setError] = useState<Error>();
  // Names of Kafka have no spaces to break at.
  const [unbroken] = useState(() =>
    columns.map(column => ({ ...column, cellStyle: { ...oneLine }, headerStyle: { ...oneLine } })),
  );

  if (error) {
    return (
      <InfoCard title={title} titleTypographyProps={{ component: 'h2' }}>
        <Refusal error={error} retry={() => setError(undefined)} />
      </InfoCard>
    );
  }
  return (
    <Table<T & { id: string }>
      title={title}
      columns={unbroken}
      localization={{ body: { emptyDataSourceMessage: empty } }}
      options={{
        pageSize: 5,
        pageSizeOptions: [5, 20, 50],
        emptyRowsWhenPaging: false,
        padding: 'dense',
        tableLayout: 'auto',
        draggable: false,
        thirdSortClick: false,
      }}
      data={async query => {
        try {
          const { rows, total } = await load(client, {
            page: query.page,
            pageSize: query.pageSize,
            search: query.search,
            sort: String(query.orderBy?.field ?? ''),
            descending: query.orderDirection === 'desc',
          });
          return { data: rows.map(row => ({ ...row, id: idOf(row) })), page: query.page, totalCount: total };
        } catch (cause) {
          setError(cause as Error);
          return { data: [], page: 0, totalCount: 0 };
        }
      }}
    />
  );
}
