import { Sidebar, SidebarDivider, SidebarItem, SidebarSpace } from '@backstage/core-components';
import { createFrontendModule, identityApiRef, useApi } from '@backstage/frontend-plugin-api';
import { NavContentBlueprint } from '@backstage/plugin-app-react';

const LeaveIcon = () => (
  <svg width="24" height="24" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
    <path d="M14 4h5v16h-5M3 12h11M10 8l4 4-4 4" />
  </svg>
);

const SignOut = () => {
  const identity = useApi(identityApiRef);
  return <SidebarItem icon={LeaveIcon} text="Sign out" onClick={() => identity.signOut()} />;
};

const navContent = NavContentBlueprint.make({
  params: {
    component: ({ navItems }) => {
      const nav = navItems.withComponent(item => (
        <SidebarItem icon={() => item.icon} to={item.href} text={item.title} />
      ));
      return (
        <Sidebar>
          {nav.rest({ sortBy: 'title' })}
          <SidebarSpace />
          <SidebarDivider />
          <SignOut />
        </Sidebar>
      );
    },
  },
});

export const navModule = createFrontendModule({ pluginId: 'app', extensions: [navContent] });
