import { useApi } from '@backstage/frontend-plugin-api';
import { useCallback, useEffect, useState } from 'react';
import { conduktorApiRef } from '../api';
import type { ConduktorClient } from '../api/ConduktorClient';

/** What came of a call: neither value nor error while it is under way. */
export type Answer<T> = { value?: T; error?: Error; retry: () => void };

/** Calls Console when the component appears, and again when `ask` changes or on retry. */
export function useConsole<T>(ask: (client: ConduktorClient) => Promise<T>): Answer<T> {
  const client = useApi(conduktorApiRef);
  const [attempt, setAttempt] = useState(0);
  const [answer, setAnswer] = useState<{ value?: T; error?: Error }>({});

  useEffect(() => {
    let current = true;
    setAnswer({});
    ask(client).then(
      value => current && setAnswer({ value }),
      error => current && setAnswer({ error }),
    );
    return () => {
      current = false;
    };
  }, [client, ask, attempt]);

  return { ...answer, retry: useCallback(() => setAttempt(n => n + 1), []) };
}
