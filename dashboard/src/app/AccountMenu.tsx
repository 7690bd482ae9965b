/** Who is signed in, light or dark, a new password, the way out. */
import { Menu, UnstyledButton, useMantineColorScheme } from "@mantine/core";
import { useNavigate } from "@tanstack/react-router";
import type { Me } from "@/api/types";
import classes from "@/app/AccountMenu.module.css";
import { useSignOut } from "@/features/session/sign-out";
import { Icon } from "@/ui/icons";

const SCHEMES = [
  { value: "light", label: "Light", icon: "sun" },
  { value: "dark", label: "Dark", icon: "moon" },
  { value: "auto", label: "As the system", icon: "eye" },
] as const;

export function AccountMenu({ me }: { me: Me }) {
  const navigate = useNavigate();
  const signOut = useSignOut();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end" width={230} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.who}>
          <span className={classes.names}>
            <b>{me.partner.name}</b>
            <span>{me.user.name}</span>
            <span className="visually-hidden">, account</span>
          </span>
          <span className={classes.face} aria-hidden="true">
            {me.user.name.slice(0, 1)}
          </span>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>
          {me.user.email} · {me.user.role}
        </Menu.Label>
        {me.demo && <Menu.Label>This is the demo: its clinic is made up.</Menu.Label>}
        <Menu.Divider />
        {SCHEMES.map(({ value, label, icon }) => (
          <Menu.Item
            key={value}
            leftSection={<Icon name={icon} />}
            rightSection={colorScheme === value ? <Icon name="pass" /> : null}
            aria-current={colorScheme === value || undefined}
            closeMenuOnClick={false}
            onClick={() => setColorScheme(value)}
          >
            {label}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void navigate({ to: "/password" })}>Change password</Menu.Item>
        <Menu.Item onClick={() => signOut.mutate()}>Sign out</Menu.Item>
        <Menu.Label>Wardline {me.version}</Menu.Label>
      </Menu.Dropdown>
    </Menu>
  );
}
