import { Content } from '@backstage/core-components';
import { Route, Routes, useParams } from 'react-router-dom';
import { ApplicationList } from './ApplicationList';
import { ApplicationView } from './ApplicationView';

const ApplicationRoute = () => {
  const { application = '' } = useParams();
  return <ApplicationView key={application} name={application} />;
};

/** The plugin's own page: all applications, and each of them below its name. */
export const ConduktorPage = () => (
  <Content>
    <Routes>
      <Route path="/" element={<ApplicationList />} />
      <Route path="/:application" element={<ApplicationRoute />} />
    </Routes>
  </Content>
);
