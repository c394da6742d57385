import { EmptyState, WarningPanel } from '@backstage/core-components';
import { useApi } from '@backstage/frontend-plugin-api';
import { Button, Flex, Text } from '@backstage/ui';
import { useState } from 'react';
import { ConsoleError } from '../api/ConsoleError';
import { idpAuthApiRef } from '../auth';

type Props = {
  error: Error;
  /** asks again for what failed */
  retry: () => void;
};

/** Why there is nothing to see, and what the person can do about it. */
export const Refusal = ({ error, retry }: Props) => {
  if (!(error instanceof ConsoleError)) {
    return <Failure error={error} retry={retry} title="Console cannot be reached" />;
  }
  switch (error.status) {
    case 401:
      return <SignInAgain error={error} retry={retry} />;
    case 403:
      return (
        <WarningPanel severity="warning" title="You may not see this" defaultExpanded>
          <Flex direction="column" gap="2">
            <Text weight="bold">{error.detail ?? error.title}</Text>
            {error.reason && <Text>{error.reason}</Text>}
            <Text>Ask who runs your Console for it. It takes effect when you sign in again.</Text>
          </Flex>
        </WarningPanel>
      );
    case 404:
      return (
        <EmptyState
          missing="content"
          title="Console does not know it"
          description={error.reason ?? error.detail ?? error.title}
        />
      );
    default:
      return <Failure error={error} retry={retry} title={`Console answered ${error.status}`} />;
  }
};

const Failure = ({ error, retry, title }: Props & { title: string }) => (
  <WarningPanel severity="error" title={title} defaultExpanded>
    <Flex direction="column" gap="2" align="start">
      <Text>{error.message}</Text>
      <Button onPress={retry}>Try again</Button>
    </Flex>
  </WarningPanel>
);

const SignInAgain = ({ error, retry }: { error: ConsoleError; retry: () => void }) => {
  const auth = useApi(idpAuthApiRef);
  const [failure, setFailure] = useState<Error>();
  const signIn = async () => {
    try {
      // Backstage still thinks well of its session: only without it is a new
      // token asked for.
      await auth.signOut();
      await auth.getAccessToken(undefined, { instantPopup: true });
      retry();
    } catch (cause) {
      setFailure(cause as Error);
    }
  };
  return (
    <WarningPanel severity="warning" title="Console does not accept your sign-in" defaultExpanded>
      <Flex direction="column" gap="2" align="start">
        <Text>{error.reason ?? error.detail ?? error.title}</Text>
        {failure && <Text color="danger">{failure.message}</Text>}
        <Button onPress={signIn}>Sign in again</Button>
      </Flex>
    </WarningPanel>
  );
};
